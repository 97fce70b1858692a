"""People: head, torso, arms and legs, clothing over warm skin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter

HIP, SHOULDER = 0.5, 0.81
"""Joints over the ground, as shares of the height."""


@dataclass(frozen=True)
class Person:
    """tall: height in metres."""

    tall: float

    @property
    def side(self) -> float:
        """The longer side in metres."""
        return self.tall

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """One standing or walking person, foot point at the origin."""
        body = _Body(
            painter=painter,
            tall=self.tall,
            squash=math.cos(view.tilt),
            front=abs(math.sin(view.yaw)),
            lean=float(rng.uniform(-0.06, 0.06)),
            build=float(rng.uniform(0.85, 1.2)),
        )
        skin = climate.skin + float(rng.uniform(-0.8, 0.8))
        _paint_legs(rng, body, climate)
        jacket = climate.clothed(float(rng.uniform(0.35, 0.75)))
        _paint_torso(body, jacket)
        _paint_arms(rng, body, jacket=jacket, skin=skin)
        _paint_head(rng, body, skin=skin, climate=climate)
        if rng.random() < 0.25:
            pack = climate.clothed(float(rng.uniform(0.05, 0.35)))
            body.ellipse((body.lean - 0.06 * (1 - body.front), 0.69), (0.085, 0.11), pack)


def draw_person(rng: np.random.Generator) -> Person:
    """A grown person of any height."""
    return Person(tall=float(rng.uniform(1.5, 1.95)))


@dataclass(frozen=True)
class _Body:
    """Paints in shares of the person's height; front is 1 seen from the front or back, 0 from the side.

    lean: how far the shoulders are ahead of the hips; squash: foreshortening of what stands upright.
    """

    painter: Painter
    tall: float
    squash: float
    front: float
    lean: float
    build: float

    @property
    def half_hip(self) -> float:
        return 0.055 + 0.035 * self.front

    @property
    def half_shoulder(self) -> float:
        return (0.065 + 0.05 * self.front) * self.build

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        """Right and up in metres of a point in shares of the height."""
        return point[0] * self.tall, point[1] * self.tall * self.squash

    def limb(
        self, start: tuple[float, float], end: tuple[float, float], radii: tuple[float, float], kelvin: float
    ) -> None:
        scaled = (radii[0] * self.tall, radii[1] * self.tall)
        self.painter.limb(self.at(start), self.at(end), scaled, kelvin)

    def ellipse(self, centre: tuple[float, float], radii: tuple[float, float], kelvin: float) -> None:
        self.painter.ellipse(self.at(centre), (radii[0] * self.tall, radii[1] * self.tall), kelvin)


def _paint_legs(rng: np.random.Generator, body: _Body, climate: Climate) -> None:
    trousers = climate.clothed(float(rng.uniform(0.3, 0.65)))
    shoes = climate.clothed(float(rng.uniform(0.05, 0.25)))
    stride = float(rng.uniform(0.02, 0.24)) * (1.0 - 0.6 * body.front)
    for side in (-1.0, 1.0):
        foot = (side * (stride + 0.045 * body.front), 0.02)
        knee = (side * (0.5 * stride + 0.04 * body.front) + 0.01, 0.27)
        body.limb((side * 0.045 * body.front, HIP), knee, (0.055 * body.build, 0.04), trousers)
        body.limb(knee, foot, (0.04, 0.03), trousers - 0.3)
        body.ellipse(foot, (0.05, 0.025), shoes)


def _paint_torso(body: _Body, jacket: float) -> None:
    hip, shoulder = body.half_hip, body.half_shoulder
    outline = (
        (-hip, HIP - 0.03),
        (hip, HIP - 0.03),
        (shoulder + body.lean, SHOULDER),
        (-shoulder + body.lean, SHOULDER),
    )
    body.painter.polygon(np.array([body.at(point) for point in outline]), jacket)
    body.limb((0.0, HIP), (body.lean, SHOULDER - 0.03), (hip, shoulder), jacket)


def _paint_arms(rng: np.random.Generator, body: _Body, *, jacket: float, skin: float) -> None:
    """Arms swing against each other; hands lose warmth first."""
    swing = float(rng.uniform(-0.14, 0.14)) * (1.0 - 0.5 * body.front)
    for side in (-1.0, 1.0):
        top = (side * body.half_shoulder * body.front + body.lean, SHOULDER - 0.02)
        hand = (side * ((body.half_shoulder + 0.03) * body.front + swing) + 0.5 * body.lean, 0.47)
        elbow = ((top[0] + hand[0]) / 2 + side * 0.015, (top[1] + hand[1]) / 2)
        body.limb(top, elbow, (0.035, 0.03), jacket - 0.5)
        body.limb(elbow, hand, (0.03, 0.022), jacket - 0.8)
        body.ellipse(hand, (0.026, 0.03), skin - float(rng.uniform(2, 8)))


def _paint_head(rng: np.random.Generator, body: _Body, *, skin: float, climate: Climate) -> None:
    """Neck and head; hair or a hat insulates the upper part."""
    x, y = 1.3 * body.lean, 0.925
    body.limb((body.lean, SHOULDER), (x, y), (0.035, 0.035), skin)
    body.ellipse((x, y), (0.058, 0.07), skin)
    body.ellipse((x, y + 0.035), (0.056, 0.042), climate.clothed(float(rng.uniform(0.35, 0.85))))
