"""A place as a drone sees it: roads, yards and houses, and what stands alone and in rows between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from detector.synth import bicycles, clutter
from detector.synth.camera import Drone, View, draw_drone
from detector.synth.climate import Climate, draw_climate
from detector.synth.ground import Ground, paint_town
from detector.synth.houses import draw_house, paint_house
from detector.synth.noise import fractal_tile
from detector.synth.paint import Painter
from detector.synth.people import draw_person
from detector.synth.stage import Labelled, Stage, Standing, Thing, stand
from detector.synth.vehicles import draw_truck, draw_vehicle

LIMITS = {"metre_px": (0.5, 20.0), "tilt": (10.0, 90.0)}
"""Of AboveParams: a house seen from nearer would be a bitmap of hundreds of megabytes, and lower down the
horizon would be in the picture."""
OUTSIDE = 5.0
"""Pixels beyond the picture's edge up to which things may have their foot."""
SCATTER = 1.6
"""Deviation in metres of the places of people who stand together."""
EMPTY, TURNED = 0.15, 0.3
"""Share of places in a longer row that are empty, and of things that face the other way."""
COVERED = 0.3
"""What things of two groups may cover of the narrower one, in each direction."""


@dataclass(frozen=True)
class Kind:
    """draw: a new one; counts: how many stand together, each as likely; gap: least and most metres from one
    to the next across their heading, None: they stand about; beside: the next of a row, None: any."""

    draw: Callable[[np.random.Generator], Thing]
    counts: tuple[int, ...]
    gap: tuple[float, float] | None
    beside: Callable[[Any, np.random.Generator], Thing] | None = None


KINDS = {
    "person": Kind(draw_person, (1, 1, 2, 3, 5), gap=None),
    "vehicle": Kind(draw_vehicle, (1, 1, 2, 4, 8, 12), gap=(2.3, 3.2)),
    "bicycle": Kind(bicycles.draw_bicycle, (1, 3, 6, 10), gap=(0.55, 1.1), beside=bicycles.beside),
    "truck": Kind(draw_truck, (1, 1, 2, 3), gap=(3.0, 4.5)),
}
CLASSES = tuple(KINDS)


@dataclass(frozen=True)
class AboveParams:
    """What a place seen from above holds.

    width, height: of a frame in pixels; fine: bitmap pixels per frame pixel, per side; groups: least and most
    number of groups of objects in a frame; class_weights: shares of them of person, vehicle, bicycle, truck;
    metre_px: least and most pixels of a metre; tilt: least and most degrees by which the camera looks down,
    90: straight; houses, clutter: least and most number in a scene; warmth, min_visible, min_contrast: as
    SceneParams; margin_px: how far a box goes beyond its object on each side, as people draw it about a
    blurred one.
    """

    width: int
    height: int
    fine: int
    groups: tuple[int, int]
    class_weights: tuple[float, float, float, float]
    metre_px: tuple[float, float]
    tilt: tuple[float, float]
    houses: tuple[int, int]
    clutter: tuple[int, int]
    warmth: float
    min_visible: float
    min_contrast: float
    margin_px: float


class Above(Stage):
    """Place, hour and clutter, drawn once; every frame shows other objects there."""

    def __init__(self, params: AboveParams, rng: np.random.Generator) -> None:
        super().__init__(
            fine=params.fine,
            min_visible=params.min_visible,
            min_contrast=params.min_contrast,
            whole_boxes=False,
        )
        self.params = params
        self.climate: Climate = draw_climate(rng)
        self.drone: Drone = draw_drone(rng, metre_px=params.metre_px, tilt=params.tilt)
        size = {"width": params.width, "height": params.height}
        ground = Ground.below(self.drone, **size, fine=max(1, params.fine // 2))
        town = paint_town(rng, ground, fractal_tile(rng, size=256, slope=-2.0), self.climate)
        self._backdrop = cv2.resize(town, (params.width * params.fine, params.height * params.fine))
        self._grain = 0.6 * fractal_tile(rng, size=128, slope=-1.1)
        houses, things = (int(rng.integers(low, high + 1)) for low, high in (params.houses, params.clutter))
        self._clutter = [self._place_house(rng) for _ in range(houses)]
        self._clutter += [self._place_clutter(rng) for _ in range(things)]

    def frame(self, rng: np.random.Generator) -> tuple[np.ndarray, list[Labelled]]:
        """Temperatures [height * fine, width * fine] float32 of the place with new objects, and the truth."""
        low, high = self.params.groups
        placed: list[Standing] = []
        for _ in range(int(rng.integers(low, high + 1))):
            group = self._group(rng)
            placed += [item for item in group if not any(_crowd(item, other) for other in placed)]
        kelvin, truth = self.compose(placed)
        return kelvin, [replace(item, box=self._drawn(item.box)) for item in truth]

    def _group(self, rng: np.random.Generator) -> list[Standing]:
        """Objects of one class that stand together; those that nothing tells from the ground are left out."""
        params, drone = self.params, self.drone
        label = int(rng.choice(len(CLASSES), p=params.class_weights))
        kind = KINDS[CLASSES[label]]
        thing, yaw = kind.draw(rng), float(rng.uniform(0, 2 * math.pi))
        place = rng.uniform((0, 0), (params.width, params.height))
        count = int(rng.choice(kind.counts))
        gap = float(rng.uniform(*kind.gap)) if kind.gap is not None else 0.0
        right, up = drone.metre * drone.view(yaw).project(np.array([(0.0, 0.0, gap)]))[0]
        items = []
        for number in range(count):
            if kind.gap is None:
                offset = drone.metre * rng.normal(0, SCATTER, 2) * (number > 0)
                turned = float(rng.uniform(0, 2 * math.pi))
            else:
                offset = number * np.array((right, -up))
                turned = yaw + float(rng.normal(0, 0.05)) + math.pi * (rng.random() < TURNED)
                if count > 2 and rng.random() < EMPTY:
                    continue
            if number:
                thing = kind.beside(thing, rng) if kind.beside is not None else kind.draw(rng)
            column, row = (float(value) for value in place + offset)
            if -OUTSIDE < column < params.width + OUTSIDE and -OUTSIDE < row < params.height + OUTSIDE:
                painter = Painter(drone.metre * params.fine, reach=1.2 * thing.side + 1.0)
                thing.paint(rng, painter, view=drone.view(turned), climate=self.climate)
                item = self._stand(rng, painter, column=column, row=row, label=label)
                if self.stands_out(item):
                    items.append(item)
        return items

    def _place_house(self, rng: np.random.Generator) -> Standing:
        size = draw_house(rng)
        painter = Painter(self.drone.metre * self.params.fine, reach=1.2 * math.hypot(*size))
        paint_house(rng, painter, size, view=self._view(rng), climate=self.climate)
        return self._stand(rng, painter)

    def _place_clutter(self, rng: np.random.Generator) -> Standing:
        paint, reach = clutter.draw_kind_above(rng)
        painter = Painter(self.drone.metre * self.params.fine, reach=reach)
        warmth = self.params.warmth
        site = clutter.Site(painter=painter, view=self._view(rng), climate=self.climate, warmth=warmth)
        paint(rng, site)
        return self._stand(rng, painter)

    def _view(self, rng: np.random.Generator) -> View:
        return self.drone.view(float(rng.uniform(0, 2 * math.pi)))

    def _stand(
        self,
        rng: np.random.Generator,
        painter: Painter,
        *,
        column: float | None = None,
        row: float | None = None,
        label: int | None = None,
    ) -> Standing:
        """What was painted, with grain on it, at a place in the picture; drawn by lot where none is given."""
        params = self.params
        sprite = painter.sprite(self._texture(rng))
        column = float(rng.uniform(0, params.width)) if column is None else column
        row = float(rng.uniform(0, params.height + OUTSIDE)) if row is None else row
        return stand(sprite, column=column, row=row, fine=params.fine, label=label)

    def _drawn(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box as people draw it, within the frame."""
        x0, y0, x1, y1 = box
        margin, width, height = self.params.margin_px, float(self.params.width), float(self.params.height)
        return (
            max(0.0, x0 - margin),
            max(0.0, y0 - margin),
            min(width, x1 + margin),
            min(height, y1 + margin),
        )


def _crowd(item: Standing, other: Standing) -> bool:
    """Whether two things of different groups would stand in each other: more than COVERED both ways."""
    a, b = item.whole, other.whole
    return all(
        min(a[high], b[high]) - max(a[low], b[low]) > COVERED * min(a[high] - a[low], b[high] - b[low])
        for low, high in ((0, 2), (1, 3))
    )
