"""Truth made wrong on purpose, to measure what wrong labels cost a training.

Every object has its own random numbers, which depend on the seed and the picture's id alone. So levels of
noise compare: an object left out at 0.1 is left out at 0.2 as well, and an edge that moves by 2 pixels at 0.1
moves by 4 at 0.2; and a frame that is in several splits, as folds have it, is wrong in the same way in all.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from pycocotools import mask

from detector.data.annotations import Annotations, ImageRecord, xywh
from detector.errors import UserError

MAX_INWARD = 0.45
"""Sides that an edge moves inward at most: the middle tenth stays, so no box inverts or leaves the frame."""


@dataclass(frozen=True)
class LabelNoise:
    """How wrong the truth is to be.

    drop: chance of each object to be left out.
    shift: standard deviation of the normal movement of each edge, in widths of the box for left and right, in
    heights for top and bottom. Edges move on their own, as annotators place them, so size errs as well as
    place; above about 0.2 the limit MAX_INWARD makes boxes larger on average.
    relabel: chance of each object that is left to get another class, each of the others equally likely.
    All in [0, 1]; raises UserError otherwise.
    """

    drop: float
    shift: float
    relabel: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise UserError(f"{field.name}={value}: must be in [0, 1]")


@dataclass(frozen=True)
class Damage:
    """What was done to a split: how many objects it had, and how many were left out, moved and relabelled.

    iou: of the moved boxes with the true ones, the mean; 1 where none moved.
    """

    objects: int
    dropped: int
    moved: int
    relabelled: int
    iou: float


def corrupt(annotations: Annotations, noise: LabelNoise, *, seed: int) -> tuple[Annotations, Damage]:
    """The split with wrong truth, and what was done. seed: >= 0; the frames' order does not matter.

    Regions to ignore stay as they are. Raises UserError where there is no other class to give.
    """
    classes = len(annotations.classes)
    if noise.relabel and classes < 2:
        raise UserError(
            f"relabel={noise.relabel}: the set has one class, {annotations.classes[0]}, and no other to give"
        )
    records, dropped, relabelled = [], 0, 0
    moved: list[float] = []
    for record in annotations.records:
        # The remainder makes a negative id, which COCO allows, a number that may be a seed.
        rng = np.random.default_rng((seed, record.image_id % 2**64))
        wrong, kept = corrupt_record(record, noise, classes=classes, rng=rng)
        records.append(wrong)
        dropped += int((~kept).sum())
        relabelled += int((wrong.labels != record.labels[kept]).sum())
        changed = (wrong.boxes != record.boxes[kept]).any(1)
        moved.extend(
            _iou(*pair) for pair in zip(wrong.boxes[changed], record.boxes[kept][changed], strict=True)
        )
    damage = Damage(
        objects=int(annotations.object_counts().sum()),
        dropped=dropped,
        moved=len(moved),
        relabelled=relabelled,
        iou=float(np.mean(moved)) if moved else 1.0,
    )
    return replace(annotations, records=tuple(records)), damage


def corrupt_record(
    record: ImageRecord, noise: LabelNoise, *, classes: int, rng: np.random.Generator
) -> tuple[ImageRecord, np.ndarray]:
    """The picture with wrong truth, and which of its truths [N] bool it keeps.

    Draws the same numbers whatever the noise. classes: how many there are, at least 2 where it relabels.
    """
    drop, relabel, other = rng.random((3, len(record.boxes)))
    steps = rng.standard_normal((len(record.boxes), 4))
    real = record.real
    kept = ~(real & (drop < noise.drop))
    another = (record.labels + 1 + (other * (classes - 1)).astype(np.int64)) % classes
    wrong = replace(
        record,
        boxes=np.where(real[:, None], _moved(record, noise.shift * steps), record.boxes)[kept],
        labels=np.where(real & (relabel < noise.relabel), another, record.labels)[kept],
        ignored=record.ignored[kept],
        stored=None,  # what the files have is not this
    )
    return wrong, kept


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    """Of two boxes [4]."""
    return float(mask.iou(xywh(first[None]), xywh(second[None]), [0])[0, 0])


def _moved(record: ImageRecord, steps: np.ndarray) -> np.ndarray:
    """[N, 4] float32 boxes with edges moved by steps [N, 4] in sides, inside the frame."""
    boxes = record.boxes.astype(np.float64)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    limits = np.array([MAX_INWARD, MAX_INWARD, np.inf, np.inf])
    moves = np.clip(steps, -limits[[2, 3, 0, 1]], limits)
    frame = (record.width, record.height) * 2
    moved = np.clip(boxes + moves * sides, 0, frame).astype(np.float32)
    # A box of some millionths of a pixel may be rounded to nothing.
    solid = (moved[:, 2:] > moved[:, :2]).all(1, keepdims=True)
    return np.where(solid, moved, record.boxes)
