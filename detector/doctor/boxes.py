"""Checks of the boxes: of a size that the detector can find, each object drawn once, how many overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from pycocotools import mask

from detector.data.annotations import Annotations, ImageRecord, xywh
from detector.doctor.findings import Exhibit, Finding, Severity, percent
from detector.doctor.limits import Limits

_EXHIBITS = 3
_DELETED = 0.5  # IoU above which a usual non-maximum suppression keeps one of two


@dataclass(frozen=True, eq=False)
class BoxFacts:
    """The objects of a split, without ignored regions.

    sides [N]: square roots of area, in pixels. labels [N]. overlaps [N]: each object's highest IoU with
    another of its frame, 0 where it is alone.
    """

    sides: np.ndarray
    labels: np.ndarray
    overlaps: np.ndarray


def measure_boxes(records: Iterable[ImageRecord]) -> BoxFacts:
    """The figures of all objects of the records, in order."""
    sides, labels, overlaps = [np.zeros(0)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for record in records:
        boxes = record.boxes[~record.ignored]
        sides.append(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)))
        labels.append(record.labels[~record.ignored])
        overlaps.append(overlap(boxes).max(axis=1, initial=0.0))
    return BoxFacts(np.concatenate(sides), np.concatenate(labels), np.concatenate(overlaps))


def overlap(boxes: np.ndarray) -> np.ndarray:
    """[N, N] IoU of boxes [N, 4] with each other; 0 of a box with itself."""
    if not len(boxes):
        return np.zeros((0, 0))
    ious = mask.iou(xywh(boxes), xywh(boxes), np.zeros(len(boxes), np.uint8))
    np.fill_diagonal(ious, 0.0)
    return ious


def check_boxes(
    splits: Mapping[str, Annotations], facts: Mapping[str, BoxFacts], limits: Limits
) -> list[Finding]:
    """Everything this module looks at."""
    records = [record for annotations in splits.values() for record in annotations.records]
    if not any(len(of_split.sides) for of_split in facts.values()):
        return [Finding(Severity.ERROR, "boxes", "no frame has an object", "is it the right file?")]
    return [
        *_repeated(records, limits),
        *_small(facts, limits),
        *_crowded(facts),
    ]


def _repeated(records: list[ImageRecord], limits: Limits) -> list[Finding]:
    """Objects drawn twice: exactly, nearly, or with two classes."""
    same: list[tuple[ImageRecord, np.ndarray]] = []
    near: list[tuple[ImageRecord, np.ndarray]] = []
    torn: list[tuple[ImageRecord, np.ndarray]] = []
    for record in records:
        boxes, labels = record.boxes[~record.ignored], record.labels[~record.ignored]
        ious = np.triu(overlap(boxes))  # each pair once
        if not (ious > limits.near_box).any():
            continue
        alike = labels[:, None] == labels[None, :]
        equal = (boxes[:, None] == boxes[None, :]).all(axis=-1)
        for found, pairs in (
            (same, alike & equal & (ious > 0)),
            (near, alike & ~equal & (ious > limits.near_box)),
            (torn, ~alike & (ious > limits.near_box)),
        ):
            if pairs.any():
                found.append((record, boxes[np.nonzero(pairs)[1]]))
    above = f"IoU above {limits.near_box:g}"
    return [
        *_pairs(same, "boxes are there twice, class and place alike", "delete the copies"),
        *_pairs(near, f"boxes lie on another of their class ({above})", "delete one of each two"),
        *_pairs(torn, f"boxes lie on one of another class ({above})", "decide for one class"),
    ]


def _pairs(found: list[tuple[ImageRecord, np.ndarray]], what: str, advice: str) -> list[Finding]:
    if not found:
        return []
    return [
        Finding(
            Severity.WARNING,
            "duplicate boxes",
            f"{sum(len(boxes) for _, boxes in found)} {what}, in {len(found)} frames",
            advice,
            tuple(f"{record.path}: {box.round(2).tolist()}" for record, boxes in found for box in boxes),
            (tuple(Exhibit(record, record.path.name, boxes) for record, boxes in found[:_EXHIBITS]),),
        )
    ]


def _small(facts: Mapping[str, BoxFacts], limits: Limits) -> list[Finding]:
    """Sizes against the grid the model predicts on."""
    sides = np.concatenate([of_split.sides for of_split in facts.values()])
    share = float((sides < limits.finest_stride).mean())
    low, middle, high = np.percentile(sides, (5, 50, 95))
    message = (
        f"side (root of area) {middle:.1f} pixels in the median, {low:.1f} to {high:.1f} for 90 % of "
        f"objects; {percent(share)} are smaller than the finest stride, {limits.finest_stride}"
    )
    if middle < 1:
        advice = "boxes of less than a pixel: are they shares of the frame's size?"
        return [Finding(Severity.ERROR, "object size", message, advice)]
    if share > limits.small_warning:
        severity = Severity.ERROR if share > limits.small_error else Severity.WARNING
        return [
            Finding(severity, "object size", message, "use frames of more pixels, or train with data.scale=2")
        ]
    return [Finding(Severity.NOTE, "object size", message)]


def _crowded(facts: Mapping[str, BoxFacts]) -> list[Finding]:
    overlaps = np.concatenate([of_split.overlaps for of_split in facts.values()])
    touching, deep = percent((overlaps > 0).mean()), percent((overlaps > _DELETED).mean())
    return [
        Finding(
            Severity.NOTE,
            "overlap",
            f"{touching} of objects overlap another, {deep} with an IoU above {_DELETED:g}, "
            "where a usual non-maximum suppression would delete one",
        )
    ]
