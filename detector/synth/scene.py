"""One scene: a place, a camera and an hour; every frame of it shows other objects there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detector.synth import clutter
from detector.synth.animals import draw_animal
from detector.synth.backdrop import paint_backdrop
from detector.synth.camera import Camera, View, draw_camera
from detector.synth.climate import Climate, draw_climate
from detector.synth.noise import fractal_tile
from detector.synth.paint import Painter
from detector.synth.people import draw_person
from detector.synth.stage import Stage, Standing, Thing, stand
from detector.synth.vehicles import draw_vehicle

TALLEST = 0.75
"""How much of the frame's height a distractor may take at most: one tree must not hide the scene."""
CLASSES = ("person", "vehicle", "animal")
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


class Scene(Stage):
    """Place, hour and clutter, drawn once."""

    def __init__(self, params: SceneParams, rng: np.random.Generator) -> None:
        super().__init__(
            fine=params.fine,
            min_visible=params.min_visible,
            min_contrast=params.min_contrast,
            whole_boxes=params.pair_iou is not None,
        )
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
