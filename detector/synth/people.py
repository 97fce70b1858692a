"""People: head, torso, arms and legs, clothing over warm skin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter


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
        paint_person(rng, painter, tall=self.tall, view=view, climate=climate)


def draw_person(rng: np.random.Generator) -> Person:
    """A grown person of any height."""
    return Person(tall=float(rng.uniform(1.5, 1.95)))


def paint_person(
    rng: np.random.Generator, painter: Painter, *, tall: float, view: View, climate: Climate
) -> None:
    """One standing or walking person of `tall` metres, foot point at the origin."""
    squash = math.cos(view.tilt)
    front = abs(math.sin(view.yaw))  # 1: seen from the front or back, 0: from the side
    skin = climate.skin + float(rng.uniform(-0.8, 0.8))
    jacket = climate.clothed(float(rng.uniform(0.3, 0.7)))
    trousers = climate.clothed(float(rng.uniform(0.25, 0.6)))
    shoes = climate.clothed(float(rng.uniform(0.05, 0.25)))
    stride = float(rng.uniform(0.02, 0.24)) * (1.0 - 0.6 * front)
    lean = float(rng.uniform(-0.04, 0.04)) * tall
    build = float(rng.uniform(0.85, 1.2))

    def at(x: float, share: float) -> tuple[float, float]:
        return x * tall, share * tall * squash

    hip, shoulder = 0.5, 0.81
    half_hip, half_shoulder = 0.055 + 0.035 * front, (0.065 + 0.05 * front) * build
    for side in (-1.0, 1.0):
        foot = at(side * (stride + 0.045 * front), 0.02)
        knee = at(side * (0.5 * stride + 0.04 * front) + 0.02, 0.27)
        painter.limb(at(side * 0.045 * front, hip), knee, (0.055 * tall * build, 0.04 * tall), trousers)
        painter.limb(knee, foot, (0.04 * tall, 0.03 * tall), trousers - 0.3)
        painter.ellipse(foot, (0.05 * tall, 0.025 * tall), shoes)
    painter.polygon(
        np.array(
            [
                at(-half_hip, hip - 0.03),
                at(half_hip, hip - 0.03),
                at(half_shoulder + lean, shoulder),
                at(-half_shoulder + lean, shoulder),
            ]
        ),
        jacket,
    )
    painter.limb(at(0.0, hip), at(lean, shoulder - 0.03), (half_hip * tall, half_shoulder * tall), jacket)
    swing = float(rng.uniform(-0.14, 0.14)) * (1.0 - 0.5 * front)
    for side in (-1.0, 1.0):
        top = at(side * half_shoulder * front + lean, shoulder - 0.02)
        hand = at(side * ((half_shoulder + 0.03) * front + swing), 0.47)
        elbow = ((top[0] + hand[0]) / 2 + side * 0.015 * tall, (top[1] + hand[1]) / 2)
        painter.limb(top, elbow, (0.035 * tall, 0.03 * tall), jacket - 0.5)
        painter.limb(elbow, hand, (0.03 * tall, 0.022 * tall), jacket - 0.8)
        painter.ellipse(hand, (0.026 * tall, 0.03 * tall), skin - float(rng.uniform(2, 8)))
    _paint_head(rng, painter, centre=at(1.3 * lean, 0.925), tall=tall, skin=skin, climate=climate)
    if rng.random() < 0.25:
        pack = climate.clothed(float(rng.uniform(0.05, 0.35)))
        painter.ellipse(at(lean - 0.06 * (1 - front), 0.69), (0.085 * tall, 0.11 * tall * squash), pack)


def _paint_head(
    rng: np.random.Generator,
    painter: Painter,
    *,
    centre: tuple[float, float],
    tall: float,
    skin: float,
    climate: Climate,
) -> None:
    """Neck and head; hair or a hat insulates the upper part."""
    x, y = centre
    painter.limb((x, y - 0.1 * tall), centre, (0.035 * tall, 0.035 * tall), skin)
    painter.ellipse(centre, (0.058 * tall, 0.07 * tall), skin)
    cover = climate.clothed(float(rng.uniform(0.35, 0.85)))
    painter.ellipse((x, y + 0.035 * tall), (0.056 * tall, 0.042 * tall), cover)
