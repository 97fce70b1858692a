"""A picture under construction, in which what is put in front hides what lies behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from detector.data.augment.patch import VisibilityRule, areas
from detector.data.loading.sample import RawSample, Sample

Place = tuple[slice, slice]
"""Rows and columns of a picture, both with start and stop inside it."""


class Layers:
    """A sample that is drawn over, and how much of each object can still be seen.

    image [H, W] float32, boxes [N, 4], labels [N], ignored [N] as in Sample, all of them copies. Whatever
    is put lies in front of everything that was there. Boxes are all that is known of objects, so the
    visible share is one of the box's pixels; the objects of the sample itself, whose order nobody knows,
    do not hide each other.
    """

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self.image = sample.image.copy()
        self.boxes = sample.boxes.copy()
        self.labels = sample.labels.copy()
        self.ignored = sample.ignored.copy()
        self._depths = np.zeros(len(sample.boxes), np.int32)  # 0: the sample's own, k: the k-th thing put
        self._front = np.zeros(sample.image.shape, np.int32)  # depth of what each pixel shows
        self._places: list[Place] = []

    def put(self, place: Place, painted: np.ndarray, *, hides: np.ndarray) -> None:
        """Paint the pixels of `place`; hides [h, w] bool: where what was there can no longer be seen."""
        self._places.append(place)
        self.image[place] = painted
        self._front[place][hides] = len(self._places)

    def put_object(
        self, place: Place, painted: np.ndarray, *, hides: np.ndarray, box: np.ndarray, label: int
    ) -> None:
        """As `put`, with a box [4] and label of its own."""
        self.put(place, painted, hides=hides)
        self.boxes = np.concatenate((self.boxes, box[None].astype(np.float32)))
        self.labels = np.append(self.labels, label)
        self.ignored = np.append(self.ignored, False)
        self._depths = np.append(self._depths, np.int32(len(self._places)))

    def objects(self, min_side: float) -> np.ndarray:
        """Indices of the boxes that are objects and whose shorter side has min_side pixels or more."""
        wide, high = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        return (~self.ignored & (np.minimum(wide, high) >= min_side)).nonzero()[0]

    def sample(self, rule: VisibilityRule) -> Sample:
        """The finished sample.

        A box ends where its object's visible pixels end. An object of which less than rule.min_visible of the
        box's pixels can be seen becomes an ignored region, and one of which nothing can be seen goes.
        """
        if not self._places:
            return replace(self._sample, image=self.image)
        own = zip(self.boxes, self._depths, self._covered(), strict=True)
        seen = [self._seen(box, int(depth)) if covered else (1.0, box) for box, depth, covered in own]
        shares = np.array([share for share, _ in seen])
        boxes = np.array([box for _, box in seen], np.float32).reshape(-1, 4)
        left = shares > 0
        sample = replace(
            self._sample,
            image=self.image,
            boxes=boxes[left],
            labels=self.labels[left],
            ignored=(self.ignored | (shares < rule.min_visible))[left],
        )
        return rule.apply(sample, areas(sample.boxes))

    def _covered(self) -> np.ndarray:
        """[N] bool: whether anything that was put may hide the object."""
        places = np.array([(c.start, r.start, c.stop, r.stop) for r, c in self._places])
        low = np.maximum(np.floor(self.boxes[:, None, :2]), places[:, :2])
        high = np.minimum(np.ceil(self.boxes[:, None, 2:]), places[:, 2:])
        return (low < high).all(2).any(1)

    def _seen(self, box: np.ndarray, depth: int) -> tuple[float, np.ndarray]:
        """(share, box) of what can be seen of the object in this box."""
        left, top = np.floor(box[:2]).astype(int)
        right, bottom = np.ceil(box[2:]).astype(int)
        free = self._front[top:bottom, left:right] <= depth
        if free.all():
            return 1.0, box
        rows, columns = np.flatnonzero(free.any(1)), np.flatnonzero(free.any(0))
        if not len(rows):
            return 0.0, box
        trimmed = np.array(
            (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1), np.float32
        )
        trimmed[:2] = np.maximum(trimmed[:2], box[:2])
        trimmed[2:] = np.minimum(trimmed[2:], box[2:])
        return float(free.mean()), trimmed


class ObjectStep(Protocol):
    """Changes objects of a picture, or brings some in; p: how likely, 0 for never."""

    p: float

    def __call__(self, layers: Layers, frames: Sequence[RawSample], *, rng: np.random.Generator) -> None:
        """Draws on layers; frames: where more objects can be had. Every random choice is drawn from rng."""
        ...
