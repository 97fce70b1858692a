"""A prediction as plain values, for JSON and CSV."""

from __future__ import annotations

from typing import Any

from detector.inference.prediction import Prediction

KELVIN = ("min", "mean", "max")


def frame_record(index: int, prediction: Prediction) -> dict[str, Any]:
    """One frame and its objects, best first.

    Boxes are x1, y1, x2, y2 in pixels of the frame; `kelvin` is there where the frame is calibrated, `track`
    where objects are followed: the object's number in its recording, None where it has none.
    """
    objects: list[dict[str, Any]] = []
    for name, score, box, heat, track in zip(
        prediction.names,
        prediction.scores.tolist(),
        prediction.boxes.tolist(),
        prediction.temperatures,
        prediction.tracks,
        strict=True,
    ):
        found: dict[str, Any] = {
            "class": name,
            "score": round(score, 4),
            "box": [round(value, 2) for value in box],
        }
        if prediction.detections.tracks is not None:
            found["track"] = track
        if heat is not None:
            values = (heat.low, heat.mean, heat.high)
            found["kelvin"] = {name: round(value, 2) for name, value in zip(KELVIN, values, strict=True)}
        objects.append(found)
    frame = prediction.frame
    height, width = frame.size
    return {
        "frame": index,
        "source": frame.source,
        "time": None if frame.time is None else frame.time.isoformat(),
        "width": width,
        "height": height,
        "objects": objects,
    }
