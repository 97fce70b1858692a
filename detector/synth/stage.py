"""Where things stand on a backdrop, what of them can be seen, and the truth about it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter, Sprite

TEXTURE = 24
"""Side of the piece of grain that is stretched over one object."""
FLAT_K = 0.3
"""Kelvin added to a backdrop's spread: on an even wall an object still has to stand out from the noise."""


class Thing(Protocol):
    """What all kinds of objects have in common."""

    @property
    def side(self) -> float:
        """The longer side in metres."""
        ...

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """Paint it, foot point at the origin."""
        ...


@dataclass(frozen=True, eq=False)
class Standing:
    """A sprite at its place: depth orders painting (rows; a greater row is nearer); label None: clutter."""

    sprite: Sprite
    left: int
    top: int
    row: float
    label: int | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Corners x0, y0, x1, y1 of the bitmap, in fine pixels, not clipped to the canvas."""
        height, width = self.sprite.body.shape
        return self.left, self.top, self.left + width, self.top + height

    @functools.cached_property
    def whole(self) -> tuple[int, int, int, int]:
        """Corners x0, y0, x1, y1 of the body, without a shadow, as `box`."""
        rows, columns = (np.flatnonzero(self.sprite.body.any(axis=axis)) for axis in (1, 0))
        return (
            self.left + int(columns[0]),
            self.top + int(rows[0]),
            self.left + int(columns[-1]) + 1,
            self.top + int(rows[-1]) + 1,
        )


@dataclass(frozen=True)
class Labelled:
    """Truth about one object: class index, box xyxy in frame pixels of what can be seen of it (of all of it
    that is in the frame with SceneParams.pair_iou), visible share."""

    label: int
    box: tuple[float, float, float, float]
    visible: float


def stand(sprite: Sprite, *, column: float, row: float, fine: int, label: int | None) -> Standing:
    """Put a sprite's foot point at a frame position (pixels)."""
    left = round(column * fine) + sprite.left
    return Standing(sprite=sprite, left=left, top=round(row * fine) + sprite.top, row=row, label=label)


class Stage:
    """A backdrop with clutter, on which objects are stood; who derives from it makes both.

    fine: bitmap pixels per frame pixel, per side; min_visible, min_contrast: as SceneParams says;
    whole_boxes: the truth is all of an object that is in the frame, not only what can be seen of it.
    """

    _backdrop: np.ndarray
    """Temperatures [height * fine, width * fine] float32 of the place without anything standing in it."""
    _grain: np.ndarray
    """The unevenness of surfaces, a square tile in kelvin."""
    _clutter: list[Standing]

    def __init__(self, *, fine: int, min_visible: float, min_contrast: float, whole_boxes: bool) -> None:
        self._fine = fine
        self._min_visible = min_visible
        self._min_contrast = min_contrast
        self._whole_boxes = whole_boxes

    def _texture(self, rng: np.random.Generator) -> np.ndarray:
        """Unevenness of a surface in kelvin: a piece of the scene's grain."""
        row, column = rng.integers(0, self._grain.shape[0] - TEXTURE, 2)
        return self._grain[row : row + TEXTURE, column : column + TEXTURE]

    def stands_out(self, item: Standing) -> bool:
        """Whether its RMS difference from the backdrop about it is min_contrast times the backdrop's own."""
        inside, window = _clip(item, self._backdrop.shape)
        body = item.sprite.body[inside]
        if not body.any():
            return False
        margin = 3 * self._fine
        rows, columns = (slice(max(0, part.start - margin), part.stop + margin) for part in window)
        around = self._backdrop[rows, columns]
        difference = item.sprite.kelvin[inside][body] - np.median(around)
        return float(np.sqrt(np.mean(difference**2))) >= self._min_contrast * (around.std() + FLAT_K)

    def compose(self, objects: list[Standing]) -> tuple[np.ndarray, list[Labelled]]:
        """Paint the frame: temperatures [height * fine, width * fine] float32 and the truth in it.

        Objects of which less than min_visible can be seen are left out before anything is painted.
        """
        while True:
            order = sorted([*self._clutter, *objects], key=lambda item: item.row)
            labelled = self._look(order)
            hidden = [i for i, item in enumerate(order) if item.label is not None and labelled[i] is None]
            if not hidden:
                break
            # The nearest first: without it, farther ones may be in sight again.
            objects = [item for item in objects if item is not order[hidden[-1]]]
        canvas = self._backdrop.copy()
        for item in order:
            inside, window = _clip(item, canvas.shape)
            np.copyto(canvas[window], item.sprite.kelvin[inside], where=item.sprite.painted[inside])
        return canvas, [truth for truth in labelled if truth is not None]

    def _look(self, order: list[Standing]) -> list[Labelled | None]:
        """What can be seen of each item painted in this order; None for clutter and the mostly hidden."""
        owner = np.full(self._backdrop.shape, -1, np.int16)
        for index, item in enumerate(order):
            inside, window = _clip(item, owner.shape)
            np.copyto(owner[window], index, where=item.sprite.painted[inside])
        result: list[Labelled | None] = []
        for index, item in enumerate(order):
            if item.label is None:
                result.append(None)
                continue
            inside, window = _clip(item, owner.shape)
            seen = (owner[window] == index) & item.sprite.body[inside]
            share = float(seen.sum() / item.sprite.body.sum())
            if not seen.any() or share < self._min_visible:
                result.append(None)
                continue
            shown = item.sprite.body[inside] if self._whole_boxes else seen
            rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
            left, top = window[1].start / self._fine, window[0].start / self._fine
            box = (
                left + float(columns[0]) / self._fine,
                top + float(rows[0]) / self._fine,
                left + float(columns[-1] + 1) / self._fine,
                top + float(rows[-1] + 1) / self._fine,
            )
            result.append(Labelled(label=item.label, box=box, visible=share))
        return result


def _clip(item: Standing, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the sprite inside the canvas, and the window of the canvas it covers."""
    left, top, right, bottom = item.box
    x0, y0 = min(max(left, 0), shape[1]), min(max(top, 0), shape[0])
    x1, y1 = max(min(right, shape[1]), x0), max(min(bottom, shape[0]), y0)
    inside = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    return inside, np.s_[y0:y1, x0:x1]
