"""One scene: a place, a camera and an hour; every frame of it shows other objects there."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from detector.synth import clutter
from detector.synth.animals import draw_animal
from detector.synth.backdrop import paint_backdrop
from detector.synth.camera import Camera, View, draw_camera
from detector.synth.climate import Climate, draw_climate
from detector.synth.noise import fractal_tile
from detector.synth.paint import Painter, Sprite
from detector.synth.people import draw_person
from detector.synth.vehicles import draw_vehicle


class Thing(Protocol):
    """What the three kinds of objects have in common."""

    @property
    def side(self) -> float:
        """The longer side in metres."""
        ...

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """Paint it, foot point at the origin."""
        ...


TEXTURE = 24
"""Side of the piece of grain that is stretched over one object."""
TALLEST = 0.75
"""How much of the frame's height a distractor may take at most: one tree must not hide the scene."""
CLASSES = ("person", "vehicle", "animal")
FLAT_K = 0.3
"""Kelvin added to a backdrop's spread: on an even wall an object still has to stand out from the noise."""
DRAW: tuple[Callable[[np.random.Generator], Thing], ...] = (draw_person, draw_vehicle, draw_animal)
"""How to draw a new object of each class."""


@dataclass(frozen=True)
class SceneParams:
    """What a scene holds.

    width, height: of a frame in pixels; fine: bitmap pixels per frame pixel, per side; objects: least and
    most number of objects in a frame; class_weights: shares of person, vehicle, animal; overlap: share of
    objects, in [0, 1], whose boxes meet another's; pair_iou: None, or least and most IoU of the whole boxes
    of such a pair (detector.synth.pairs), and then whole boxes are the truth: what can be seen of an object
    behind another has a smaller box, so the more is covered the less would overlap; clutter: least and most
    number of distractors in a scene; warmth: the most kelvin by which stones, posts, pipes and crates are
    heated from within; side_px: least and most pixels of an object's longer side; min_visible: an object with
    a smaller share in sight is taken out of the picture (so nothing is half seen and unlabelled);
    min_contrast: objects are put where they differ from the ground about them by this many times its own
    deviation, for what nobody can see nobody would label.
    """

    width: int
    height: int
    fine: int
    objects: tuple[int, int]
    class_weights: tuple[float, float, float]
    overlap: float
    pair_iou: tuple[float, float] | None
    clutter: tuple[int, int]
    warmth: float
    side_px: tuple[float, float]
    min_visible: float
    min_contrast: float


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


class Scene:
    """Place, hour and clutter, drawn once."""

    def __init__(self, params: SceneParams, rng: np.random.Generator) -> None:
        self.params = params
        self.climate: Climate = draw_climate(rng)
        self.camera: Camera = draw_camera(rng, frame_height=params.height)
        self._backdrop = paint_backdrop(
            rng, self.camera, self.climate, width=params.width, height=params.height, fine=params.fine
        )
        self._grain = 0.6 * fractal_tile(rng, size=128, slope=-1.1)
        count = int(rng.integers(params.clutter[0], params.clutter[1] + 1))
        self._clutter = [self._place_clutter(rng) for _ in range(count)]

    def paint_object(
        self, rng: np.random.Generator, label: int, *, row: float | None = None
    ) -> Standing | None:
        """A new object of a class, in the middle column; its row is drawn if not given.

        None where the object would be too small or too large there.
        """
        params = self.params
        thing = DRAW[label](rng)
        row = self._draw_row(rng, thing.side) if row is None else row
        low, high = params.side_px
        if row is None or not low <= self.camera.scale(row) * thing.side <= high:
            return None
        painter = Painter(self.camera.scale(row) * params.fine, reach=1.2 * thing.side)
        thing.paint(rng, painter, view=self._view(rng, row), climate=self.climate)
        sprite = painter.sprite(self._texture(rng))
        return stand(sprite, column=params.width / 2, row=row, fine=params.fine, label=label)

    def _draw_row(self, rng: np.random.Generator, side: float) -> float | None:
        """A row in the picture where `side` metres have a permitted size, even in the logarithm of size."""
        low, high = self.params.side_px
        first = max(self.camera.row(low / side), 6.0)
        last = min(self.camera.row(high / side), self.params.height + 2.0)
        if first >= last:
            return None
        scale = math.exp(rng.uniform(math.log(self.camera.scale(first)), math.log(self.camera.scale(last))))
        return self.camera.row(scale)

    def _texture(self, rng: np.random.Generator) -> np.ndarray:
        """Unevenness of a surface in kelvin: a piece of the scene's grain."""
        row, column = rng.integers(0, self._grain.shape[0] - TEXTURE, 2)
        return self._grain[row : row + TEXTURE, column : column + TEXTURE]

    def _view(self, rng: np.random.Generator, row: float) -> View:
        return View(tilt=self.camera.tilt(row), yaw=float(rng.uniform(0, 2 * math.pi)))

    def _place_clutter(self, rng: np.random.Generator) -> Standing:
        """A thing of a kind, far enough away to leave most of the frame free; stones may lie anywhere."""
        first = max(self.camera.row(3.0), 8.0)
        last = first
        while last <= first:
            paint, reach = clutter.draw_kind(rng)
            last = min(self.camera.row(TALLEST * self.params.height / reach), self.params.height + 5.0)
        row = float(rng.uniform(first, last))
        painter = Painter(self.camera.scale(row) * self.params.fine, reach=reach)
        view = self._view(rng, row)
        paint(rng, clutter.Site(painter=painter, view=view, climate=self.climate, warmth=self.params.warmth))
        sprite = painter.sprite(self._texture(rng))
        column = float(rng.uniform(0, self.params.width))
        return stand(sprite, column=column, row=row, fine=self.params.fine, label=None)

    def stands_out(self, item: Standing) -> bool:
        """Whether its RMS difference from the backdrop about it is min_contrast times the backdrop's own."""
        inside, window = _clip(item, self._backdrop.shape)
        body = item.sprite.body[inside]
        if not body.any():
            return False
        margin = 3 * self.params.fine
        rows, columns = (slice(max(0, part.start - margin), part.stop + margin) for part in window)
        around = self._backdrop[rows, columns]
        difference = item.sprite.kelvin[inside][body] - np.median(around)
        return float(np.sqrt(np.mean(difference**2))) >= self.params.min_contrast * (around.std() + FLAT_K)

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
        params = self.params
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
            if not seen.any() or share < params.min_visible:
                result.append(None)
                continue
            shown = item.sprite.body[inside] if params.pair_iou is not None else seen
            rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
            left, top = window[1].start / params.fine, window[0].start / params.fine
            box = (
                left + float(columns[0]) / params.fine,
                top + float(rows[0]) / params.fine,
                left + float(columns[-1] + 1) / params.fine,
                top + float(rows[-1] + 1) / params.fine,
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
