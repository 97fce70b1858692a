"""A small set without a fault, and pieces to give it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.doctor.examination import Examination, examine
from detector.doctor.findings import Severity
from detector.doctor.limits import Limits
from tests.built import read
from tests.unit.data.builders import save_frame

HEIGHT, WIDTH = 60, 80
BOXES = np.array(((8, 10, 18, 24), (34, 30, 48, 40), (60, 8, 70, 22)), np.float32)
LABELS = np.array((0, 1, 1), np.int64)
TRAIN, VAL = 32, 6
Splits = dict[str, Annotations]


def scene(seed: int, *, boxes: np.ndarray = BOXES) -> np.ndarray:
    """[HEIGHT, WIDTH] uint16: a smooth background of its own, warm objects, sensor noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(30000, 100, (7, 7)).astype(np.float32)
    counts = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for left, top, right, bottom in boxes.astype(int):
        counts[top:bottom, left:right] += 400
    return np.rint(counts + rng.normal(0, 4, counts.shape)).astype(np.uint16)


def record_of(path: Path, *, sequence: str | None = None, boxes: np.ndarray = BOXES) -> ImageRecord:
    labels = np.resize(LABELS, len(boxes))
    return ImageRecord(0, path, WIDTH, HEIGHT, boxes, labels, np.zeros(len(boxes), bool), sequence)


def clean_set(root: Path) -> Splits:
    """Frames of two recordings, one for each split; nothing is wrong with them."""
    splits = {}
    for split, count, first in (("train", TRAIN, 0), ("val", VAL, 1000)):
        records = []
        for number in range(count):
            path = root / split / f"{split}_{number:03}.png"
            save_frame(path, scene(first + number))
            records.append(record_of(path, sequence=f"flight of {split}"))
        splits[split] = Annotations(("person", "car"), tuple(records), (1, 2))
    return splits


def changed(splits: Splits, split: str, **changes: object) -> Splits:
    """The same set with fields of one split's annotations changed."""
    return {**splits, split: replace(splits[split], **changes)}


def with_boxes(splits: Splits, split: str, boxes: np.ndarray) -> Splits:
    """The same set with these boxes in every frame of a split."""
    records = [record_of(r.path, sequence=r.sequence, boxes=boxes) for r in splits[split].records]
    return changed(splits, split, records=tuple(records))


def examined(splits: Mapping[str, Annotations], *, warnings: Sequence[str] = ()) -> Examination:
    return examine(splits, train="train", limits=read(Limits, "doctor:limits"), warnings=warnings)


def faults(examination: Examination) -> set[tuple[str, str]]:
    """(severity, check) of all that is worse than a note."""
    return {
        (finding.severity.value, finding.check)
        for finding in examination.findings
        if finding.severity is not Severity.NOTE
    }


def message(examination: Examination, check: str) -> str:
    """What the findings of one check say."""
    return "\n".join(finding.message for finding in examination.findings if finding.check == check)
