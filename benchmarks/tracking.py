"""How well objects are followed: HOTA, MOTA and IDF1, whether it helps AP, and what a frame costs.

    python benchmarks/tracking.py --clips DIR [--checkpoint thermal] [--every 1 3]

DIR has recordings, NAME.mp4, with the box of each frame, NAME.json: [x, y, w, h] or null, of one object at
most (drone_ir/clips); the beginning of NAME tells the class. --every 3 takes every third frame, so that 30
frames a second become 10. After the clips come made-up crowds of small objects at 9 frames a second. Metrics
are those of TrackEval, and where the package `trackers` is there, its trackers stand beside ours:

    pip install --no-deps trackeval tabulate     # its own requirements would replace opencv-python-headless
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detector.app.opening import open_detector
from detector.engine.settings import InferenceSettings
from detector.geometry.nms import iou_with
from detector.inference.pipeline import shots
from detector.inference.sources import read
from detector.inference.stages import thresholds
from detector.structures import NO_TRACK, Detections
from detector.thermal.io import Recording
from detector.tracking.bytetrack import ByteTrack, distinct
from tests.built import built

CLASS_OF = {"AIRPLANE": "aircraft", "HELICOPTER": "aircraft", "BIRD": "bird", "DRONE": "drone"}
OVERLAP = 0.5
"""IoU from which a box is right, for MOTA, IDF1 and AP50; HOTA goes through all."""


class Clip(NamedTuple):
    """What is there and what was found, frame by frame.

    truth: (boxes [N, 4], numbers of objects). found: all detections, shares: of their thresholds.
    label: the right class; None: any. fps: frames a second.
    """

    truth: list[tuple[np.ndarray, list[int]]]
    found: list[Detections]
    shares: list[np.ndarray]
    label: int | None
    fps: float


Followed = list[Detections]
Follow = Callable[[Clip], Followed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--checkpoint", default="thermal")
    parser.add_argument("--every", type=int, nargs="+", default=[1, 3])
    options = parser.parse_args()
    tracker: ByteTrack = built("tracker/bytetrack")
    clips = dict(detected(options.clips, options.checkpoint))
    for every in options.every:
        thinned = {name: thin(clip, every) for name, clip in clips.items()}
        print(f"\nclips, every {every}. frame, objects of the right class")
        print(table(thinned, {"": ours(tracker)}))
        print(f"\nAP50 and recall, every {every}. frame")
        print(single_against_followed(thinned, ours(tracker)))
        print(f"\nours and others, whatever the class, every {every}. frame")
        loose = {name: clip._replace(label=None) for name, clip in thinned.items()}
        print(table(loose, {"ours": ours(tracker), **peers()}, total_only=True))
    for title, make in CROWDS.items():
        print(f"\n{title}")
        crowds = {str(seed): make(seed) for seed in range(4)}
        print(table(crowds, {"ours": ours(tracker), **peers()}, total_only=True))


def detected(folder: Path, checkpoint: str) -> Iterator[tuple[str, Clip]]:
    """The clips of a folder by name."""
    detector = open_detector(checkpoint, device="cpu")
    pipeline = detector.pipeline(InferenceSettings(device="cpu", precision="fp32", batch_size=8))
    least = thresholds(detector.classes, stored=detector.thresholds, confidence=None)
    limits = np.array([least[name] for name in detector.classes], np.float32)
    for file in sorted(folder.glob("*.mp4")):
        recording = read(file)
        assert isinstance(recording, Recording)
        found = [one.detections for one in pipeline(shots(recording, detector.gain))]
        boxes = json.loads(file.with_suffix(".json").read_text())[: len(found)]
        boxes += [None] * (len(found) - len(boxes))
        truth = [(corners([box] if box else []), [1] if box else []) for box in boxes]
        label = detector.classes.index(CLASS_OF[file.stem.partition("_")[0]])
        shares = [one.scores / limits[one.labels] for one in found]
        yield file.stem, Clip(truth, found, shares, label, recording.fps or 30.0)


def corners(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    """[N, 4] left, top, width, height as corners."""
    sides = np.array(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], 1)


def thin(clip: Clip, every: int) -> Clip:
    """Every so many-th frame of it."""
    return Clip(clip.truth[::every], clip.found[::every], clip.shares[::every], clip.label, clip.fps / every)


def crowd(seed: int, *, count: int, side: float, missed: float, false: float) -> Clip:
    """Objects that walk through each other, turn and are missed; half of the missed are found, but weak."""
    rng = np.random.default_rng(seed)
    frames, fps, size = 300, 9.0, np.array([160.0, 120.0])
    centres = rng.uniform(0, size, (count, 2))
    angles, speeds = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.0, 3.0 * side, count)
    truth, found, shares = [], [], []
    for _ in range(frames):
        angles = angles + rng.normal(0, 0.15, count)
        centres = centres + speeds[:, None] / fps * np.stack([np.cos(angles), np.sin(angles)], 1)
        outside = (centres < 0) | (centres > size)
        angles = np.where(outside.any(1), angles + np.pi, angles)
        centres = centres.clip(0, size)
        boxes = around(centres, np.full((count, 2), side))
        truth.append((boxes, list(range(count))))
        luck = rng.random(count)
        seen = np.flatnonzero(luck > missed / 2)
        noisy = around(
            centres[seen] + rng.normal(0, 0.12 * side, (len(seen), 2)),
            side * rng.lognormal(0, 0.1, (len(seen), 2)),
        )
        wrong = around(rng.uniform(0, size, (rng.poisson(false), 2)), np.array([side, side]))
        right = np.where(luck[seen] > missed, 1.5, 0.6)
        share = np.concatenate([right, rng.uniform(0.5, 1.5, len(wrong))])
        order = np.argsort(-share, kind="stable")
        every = np.concatenate([noisy, wrong])[order].astype(np.float32)
        found.append(Detections(every, (share[order] / 3).astype(np.float32), np.zeros(len(every), np.int64)))
        shares.append(share[order])
    return Clip(truth, found, shares, None, fps)


def around(centres: np.ndarray, sides: np.ndarray) -> np.ndarray:
    return np.concatenate([centres - sides / 2, centres + sides / 2], 1)


CROWDS: dict[str, Callable[[int], Clip]] = {
    "crowds: 12 objects of 6 pixels in 160x120 at 9 Hz, 20 % missed, one false in two frames": partial(
        crowd, count=12, side=6.0, missed=0.2, false=0.5
    ),
    "crowds: 30 objects, 40 % missed, three false a frame": partial(
        crowd, count=30, side=6.0, missed=0.4, false=3.0
    ),
}


def ours(tracker: ByteTrack) -> Follow:
    def follow(clip: Clip) -> Followed:
        tracks = tracker.start()
        return [
            tracks.update(found, shares, seconds=index / clip.fps)
            for index, (found, shares) in enumerate(zip(clip.found, clip.shares, strict=True))
        ]

    return follow


def peers() -> dict[str, Follow]:
    """Those of the package `trackers`, with its defaults but for scores; none where it is not installed."""
    try:
        import supervision
        import trackers
    except ImportError:
        return {}

    def peer(make: Callable[[float], Any], least: float) -> Follow:
        def follow(clip: Clip) -> Followed:
            tracker, told = make(clip.fps), []
            for found, shares in zip(clip.found, clip.shares, strict=True):
                place = distinct(found.boxes, shares)  # what ours does before it matches
                chosen = np.unique(place[shares[place] >= least])
                given = supervision.Detections(
                    xyxy=found.boxes[chosen],
                    confidence=np.minimum(shares[chosen] / 2, 1).astype(np.float32),
                    class_id=found.labels[chosen],
                )
                got = tracker.update(given)
                ids = np.full(len(got), -1) if got.tracker_id is None else np.asarray(got.tracker_id)
                boxes = np.asarray(got.xyxy, np.float32).reshape(-1, 4)
                told.append(Detections(boxes, np.asarray(got.confidence), np.asarray(got.class_id), ids + 1))
            return told

        return follow

    strong = {"track_activation_threshold": 0.5}
    high = {"high_conf_det_threshold": 0.5}
    return {
        "SORT": peer(lambda fps: trackers.SORTTracker(frame_rate=fps, **strong), 1.0),
        "OC-SORT": peer(lambda fps: trackers.OCSORTTracker(frame_rate=fps, **high), 0.4),
        "ByteTrack": peer(lambda fps: trackers.ByteTrackTracker(frame_rate=fps, **strong, **high), 0.4),
        "C-BIoU": peer(lambda fps: trackers.CBIoUTracker(frame_rate=fps), 1.0),
    }


def table(clips: dict[str, Clip], ways: dict[str, Follow], *, total_only: bool = False) -> str:
    """Markdown: a line for each clip and for all, or one for all of each way."""
    lines = [
        "| | HOTA | DetA | AssA | MOTA | IDF1 | switches | tracks | ms a frame |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for way, follow in ways.items():
        data, spent = {}, {}
        for name, clip in clips.items():
            before = time.process_time()
            followed = follow(clip)
            spent[name] = 1000 * (time.process_time() - before) / len(clip.found)
            data[name] = comparison(clip, followed)
        spent["all"] = float(np.mean(list(spent.values())))
        results = measured(data)
        tracks = {name: one["num_tracker_ids"] for name, one in data.items()}
        tracks["all"] = sum(tracks.values())
        for name in ["all"] if total_only else [*clips, "all"]:
            hota, clear, identity = (result[name] for result in results)
            values = (
                *(hota[key].mean() for key in ("HOTA", "DetA", "AssA")),
                clear["MOTA"],
                identity["IDF1"],
            )
            cells = " | ".join(f"{value:.3f}" for value in values)
            label = way if total_only else name
            lines.append(f"| {label} | {cells} | {int(clear['IDSW'])} | {tracks[name]} | {spent[name]:.2f} |")
    return "\n".join(lines)


def comparison(clip: Clip, followed: Followed) -> dict[str, Any]:
    """As TrackEval wants it: numbers of objects and tracks from 0, and their overlaps."""
    numbers: dict[int, int] = {}
    objects = {
        number: index for index, number in enumerate(sorted({n for _, ids in clip.truth for n in ids}))
    }
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for (boxes, ids), found in zip(clip.truth, followed, strict=True):
        assert found.tracks is not None
        right = found.keep((found.tracks != NO_TRACK) & ((clip.label is None) | (found.labels == clip.label)))
        assert right.tracks is not None
        tracks = [numbers.setdefault(track, len(numbers)) for track in right.tracks.tolist()]
        data["gt_ids"].append(np.array([objects[number] for number in ids], int))
        data["tracker_ids"].append(np.array(tracks, int))
        data["similarity_scores"].append(overlaps(boxes, right.boxes))
    return data | {
        "num_timesteps": len(clip.truth),
        "num_gt_ids": len(objects),
        "num_tracker_ids": len(numbers),
        "num_gt_dets": sum(map(len, data["gt_ids"])),
        "num_tracker_dets": sum(map(len, data["tracker_ids"])),
    }


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[N, M] IoU."""
    others = others.astype(np.float64)
    return np.array([iou_with(box, others) for box in boxes]).reshape(len(boxes), len(others))


def measured(data: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """TrackEval's HOTA, CLEAR and identity metrics, of each sequence and of "all"."""
    with contextlib.redirect_stdout(io.StringIO()):
        from trackeval.metrics import CLEAR, HOTA, Identity

        told = {"THRESHOLD": OVERLAP, "PRINT_CONFIG": False}
        metrics = [HOTA(), CLEAR(told), Identity(told)]
    results = []
    for metric in metrics:
        each = {name: metric.eval_sequence(one) for name, one in data.items()}
        results.append({**each, "all": metric.combine_sequences(each)})
    return results


def single_against_followed(clips: dict[str, Clip], follow: Follow) -> str:
    """Markdown: AP50 and recall of each class: of all detections, of those that count, of those followed."""
    lines = [
        "| clips of a class | AP50, all scores | AP50, what counts | followed | recall | followed |",
        "|---|---|---|---|---|---|",
    ]
    followed = {name: follow(clip) for name, clip in clips.items()}
    labels = {name: (clip.label, name.partition("_")[0]) for name, clip in clips.items()}
    for label in sorted({label for label, _ in labels.values() if label is not None}):
        names = [name for name in clips if clips[name].label == label]
        every: list[tuple[Detections, np.ndarray]] = []
        single: list[tuple[Detections, np.ndarray]] = []
        after: list[tuple[Detections, np.ndarray]] = []
        for name in names:
            clip = clips[name]
            for (boxes, _), found, shares, kept in zip(
                clip.truth, clip.found, clip.shares, followed[name], strict=True
            ):
                every.append((found.keep(found.labels == label), boxes))
                single.append((found.keep((shares >= 1) & (found.labels == label)), boxes))
                after.append((kept.keep(kept.labels == label), boxes))
        (ap, recall), (ap_after, recall_after) = average_precision(single), average_precision(after)
        values = (average_precision(every)[0], ap, ap_after, recall, recall_after)
        lines.append(f"| {', '.join(names)} | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines)


def average_precision(frames: list[tuple[Detections, np.ndarray]]) -> tuple[float, float]:
    """COCO's AP at OVERLAP of one class, and the recall of all that is given."""
    hits: list[tuple[float, bool]] = []
    for found, boxes in frames:
        table, used = overlaps(boxes, found.boxes), set()
        for index, score in enumerate(found.scores.tolist()):
            best = int(table[:, index].argmax()) if len(boxes) else -1
            right = best >= 0 and best not in used and table[best, index] >= OVERLAP
            used |= {best} if right else set()
            hits.append((score, right))
    hits.sort(key=lambda hit: -hit[0])
    right = np.cumsum([hit for _, hit in hits])
    recall = right / sum(len(boxes) for _, boxes in frames)
    precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.append(precision, 0.0)[places.clip(max=len(recall))].mean()), float(recall[-1])


if __name__ == "__main__":
    main()
