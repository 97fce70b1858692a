"""Detections as files: JSON with every frame, CSV with a line for every object."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from detector.inference.temperature import temperatures
from detector.structures import Detections, Frame

KELVIN = ("min", "mean", "max")
COLUMNS = (
    *("frame", "source", "time", "class", "score", "x1", "y1", "x2", "y2"),
    *(f"kelvin_{name}" for name in KELVIN),
)


def frame_record(
    index: int, frame: Frame, detections: Detections, *, classes: Sequence[str], min_score: float
) -> dict[str, Any]:
    """Plain values of one frame and its objects of at least `min_score`, best first.

    Boxes are x1, y1, x2, y2 in pixels of the frame; `kelvin` is there where the frame is calibrated.
    """
    keep = detections.scores >= min_score
    boxes = detections.boxes[keep].tolist()
    objects: list[dict[str, Any]] = []
    for box, score, label, heat in zip(
        boxes,
        detections.scores[keep].tolist(),
        detections.labels[keep].tolist(),
        temperatures(frame, boxes),
        strict=True,
    ):
        found: dict[str, Any] = {
            "class": classes[label],
            "score": round(score, 4),
            "box": [round(value, 2) for value in box],
        }
        if heat is not None:
            values = (heat.low, heat.mean, heat.high)
            found["kelvin"] = {name: round(value, 2) for name, value in zip(KELVIN, values, strict=True)}
        objects.append(found)
    height, width = frame.size
    return {
        "frame": index,
        "source": frame.source,
        "time": None if frame.time is None else frame.time.isoformat(),
        "width": width,
        "height": height,
        "objects": objects,
    }


def as_json(records: Sequence[dict[str, Any]], *, classes: Sequence[str]) -> str:
    """{"classes": [...], "frames": [...]} with one frame a line."""
    frames = ",\n".join(json.dumps(record) for record in records)
    return f'{{"classes": {json.dumps(list(classes))}, "frames": [\n{frames}\n]}}\n'


def as_csv(records: Sequence[dict[str, Any]]) -> str:
    """COLUMNS, then a line for every object; unknown times and temperatures are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        for found in record["objects"]:
            heat = found.get("kelvin", {})
            writer.writerow(
                (
                    record["frame"],
                    record["source"],
                    record["time"],
                    found["class"],
                    found["score"],
                    *found["box"],
                    *(heat.get(name) for name in KELVIN),
                )
            )
    return text.getvalue()
