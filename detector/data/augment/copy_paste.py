"""Objects of other frames, pasted in front of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detector.data.augment.layers import Layers, Place
from detector.data.augment.patch import areas, random_scale
from detector.data.augment.surroundings import feathered, opacity, surroundings
from detector.data.loading.padding import PAD_VALUE
from detector.data.loading.sample import RawSample
from detector.errors import UserError

MARGIN = 2
"""Pixels around a box that are cut out with it: the blurred border, and what tells the surroundings."""

FACTORS = (0.25, 1.5)
"""How far an object may be shrunk and grown; beyond, it would be sharper or softer than all around it."""

SIZE_JITTER = (0.85, 1.2)
"""Limits of how much larger an object may be than the one its size is taken from."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object taken out of its frame, by contrast, as there are no masks.

    residual [h, w]: what it showed beyond its surroundings; surroundings [h, w]: those; opacity [h, w]: how
    much of each pixel is object; window [h, w]: 1 in the box, falling to 0 at the border; box [4] in its
    pixels; label.
    """

    residual: np.ndarray
    surroundings: np.ndarray
    opacity: np.ndarray
    window: np.ndarray
    box: np.ndarray
    label: int

    def over(self, ground: np.ndarray) -> np.ndarray:
        """[h, w] the object in front of ground [h, w].

        Where it is opaque it keeps its own value; where it shares a pixel with what was behind it, the old
        background's share is taken by the new one, so no rim of the old one remains.
        """
        return ground + self.window * (self.residual + self.opacity * (self.surroundings - ground))


class CopyPaste:
    """Puts objects in front of others, or anywhere, so that training sees more of them and more overlap.

    max_objects: largest number of objects a picture gets, evenly distributed from 1. beside: share of them
    that stand beside an object of the picture, in front of it, sharing `overlap` (limits) of the width of the
    narrower of both; the others lie anywhere. p: chance of a picture. An object gets the size of the one of
    its class whose foot is in the nearest row, give or take a fifth, for distance rules size; where there is
    none it keeps its own, times `scale` (limits).
    Raises UserError on values out of range.
    """

    def __init__(
        self,
        *,
        max_objects: int,
        beside: float,
        overlap: tuple[float, float],
        scale: tuple[float, float],
        p: float,
    ) -> None:
        if max_objects < 1:
            raise UserError(f"copy-paste max_objects: must be at least 1, found {max_objects}")
        if not 0 <= beside <= 1:
            raise UserError(f"copy-paste beside: must be in [0, 1], found {beside}")
        if not 0 <= overlap[0] <= overlap[1] <= 1:
            raise UserError(f"copy-paste overlap: need 0 <= min <= max <= 1, found {tuple(overlap)}")
        if not 0 < scale[0] <= scale[1]:
            raise UserError(f"copy-paste scale: need 0 < min <= max, found {tuple(scale)}")
        self.max_objects = max_objects
        self.beside = beside
        self.overlap = overlap
        self.scale = scale
        self.p = p

    def __call__(self, layers: Layers, frames: Sequence[RawSample], *, rng: np.random.Generator) -> None:
        if rng.random() >= self.p:
            return
        for _ in range(int(rng.integers(1, self.max_objects + 1))):
            raw = frames[int(rng.integers(len(frames)))]
            usable = sources(raw)
            if len(usable):
                self._paste(layers, raw, int(rng.choice(usable)), rng)

    def _paste(self, layers: Layers, raw: RawSample, index: int, rng: np.random.Generator) -> None:
        """Put object `index` of raw, unless it would reach out of the picture or lie on padding."""
        neighbours = layers.objects(min_side=3)
        if len(neighbours) and rng.random() < self.beside:
            neighbour = layers.boxes[rng.choice(neighbours)]
            cutout = cut_out(raw, index, factor=self._factor(layers, raw, index, float(neighbour[3]), rng))
            corner = self._beside(neighbour, cutout, rng)
        else:
            row = float(rng.uniform(0, layers.image.shape[0]))
            cutout = cut_out(raw, index, factor=self._factor(layers, raw, index, row, rng))
            corner = _anywhere(cutout, row, layers.image.shape, rng)
        place = place_of(cutout, corner, layers.image.shape)
        if place is not None and np.mean(layers.image[place] == PAD_VALUE) < 0.5:
            put_in_front(layers, cutout, place)

    def _factor(
        self, layers: Layers, raw: RawSample, index: int, row: float, rng: np.random.Generator
    ) -> float:
        """How much larger than in its own frame object `index` is where its foot is in this row."""
        there = _side_at(layers, row, int(raw.labels[index]))
        if there is None:
            factor = random_scale(self.scale, rng)
        else:
            own = float(np.sqrt(areas(raw.boxes[[index]])[0]))
            factor = there / own * random_scale(SIZE_JITTER, rng)
        return float(np.clip(factor, *FACTORS))

    def _beside(self, box: np.ndarray, cutout: Cutout, rng: np.random.Generator) -> tuple[float, float]:
        """(left, top) at which the cutout's box overlaps box [4] and stands a little nearer."""
        width, height = cutout.box[2:] - cutout.box[:2]
        shared = rng.uniform(*self.overlap) * min(width, box[2] - box[0])
        left = box[2] - shared if rng.random() < 0.5 else box[0] + shared - width
        # What is nearer stands lower in the picture, unless the camera looks straight down.
        top = box[3] + rng.uniform(0, 0.3) * height - height
        return float(left), float(top)


def sources(raw: RawSample) -> np.ndarray:
    """Indices of the objects that can be cut out: whole, 4 pixels at least, not covered by another box.

    A box nearer to the frame's edge than MARGIN may be of an object that is cut off; one of which
    another box has a tenth or more may be half of another object.
    """
    height, width = raw.counts.shape
    boxes = raw.boxes
    whole = (boxes[:, :2] >= MARGIN).all(1) & (boxes[:, 2:] <= (width - MARGIN, height - MARGIN)).all(1)
    large = (boxes[:, 2:] - boxes[:, :2] >= 4).all(1)
    sides = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(boxes[:, None, :2], boxes[:, :2])
    shared = np.clip(sides, 0, None).prod(2)
    np.fill_diagonal(shared, 0)
    free = shared.max(1, initial=0) < 0.1 * areas(boxes)
    return np.flatnonzero(whole & large & free & ~raw.ignored)


def cut_out(raw: RawSample, index: int, *, factor: float) -> Cutout:
    """Object `index` of raw at `factor` times its size; one of `sources(raw)`."""
    box = raw.boxes[index]
    left, top = np.floor(box[:2]).astype(int) - MARGIN
    right, bottom = np.ceil(box[2:]).astype(int) + MARGIN
    part = raw.image(slice(top, bottom), slice(left, right))
    width, height = (max(5, round(side * factor)) for side in part.shape[::-1])
    factors = np.array((width / part.shape[1], height / part.shape[0]) * 2, np.float32)
    part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    box = (box - np.array((left, top) * 2, np.float32)) * factors
    behind = surroundings(part)
    residual = part - behind
    return Cutout(
        residual,
        behind,
        opacity(residual, box),
        feathered(part.shape, box.tolist()),
        box,
        int(raw.labels[index]),
    )


def place_of(cutout: Cutout, corner: tuple[float, float], size: tuple[int, ...]) -> Place | None:
    """Where the cutout lies when its box's (left, top) is at corner, to the pixel; None if not all inside."""
    left, top = (round(float(at - own)) for at, own in zip(corner, cutout.box, strict=False))
    height, width = cutout.residual.shape
    if left < 0 or top < 0 or top + height > size[0] or left + width > size[1]:
        return None
    return slice(top, top + height), slice(left, left + width)


def put_in_front(layers: Layers, cutout: Cutout, place: Place) -> None:
    """The object in front of everything at place, with its box."""
    painted = np.clip(cutout.over(layers.image[place]), 0, 1)
    layers.put_object(
        place,
        painted,
        hides=cutout.window * cutout.opacity > 0.5,
        box=cutout.box + np.array((place[1].start, place[0].start) * 2, np.float32),
        label=cutout.label,
    )


def _anywhere(
    cutout: Cutout, row: float, size: tuple[int, ...], rng: np.random.Generator
) -> tuple[float, float]:
    """(left, top) of the cutout's box with its foot at row, or as near as the picture's border lets it."""
    height, width = cutout.residual.shape
    left = rng.uniform(0, max(0, size[1] - width))
    top = np.clip(row - cutout.box[3], 0, max(0, size[0] - height))
    return float(left + cutout.box[0]), float(top + cutout.box[1])


def _side_at(layers: Layers, row: float, label: int) -> float | None:
    """Square root of the area of the object of this class whose foot is nearest to row; None without one."""
    same = layers.objects(min_side=3)
    same = same[layers.labels[same] == label]
    if not len(same):
        return None
    nearest = same[np.argmin(np.abs(layers.boxes[same, 3] - row))]
    return float(np.sqrt(areas(layers.boxes[[nearest]])[0]))
