"""Four-legged animals: body, legs, neck, head and tail under fur."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter


@dataclass(frozen=True)
class Animal:
    """Proportions in metres; neck: how far the head is carried over (or ahead of) the shoulder."""

    length: float
    shoulder: float
    depth: float
    neck: float
    head: float
    tail: float

    @property
    def side(self) -> float:
        """The longer side in metres, with neck and head."""
        return 1.25 * max(self.length, self.shoulder)

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """One animal standing or walking, foot point at the origin; yaw shortens it towards a front view."""
        fur = climate.clothed(float(rng.uniform(0.35, 0.7)))
        facing = math.copysign(max(0.45, abs(math.cos(view.yaw))), math.cos(view.yaw))
        trunk = _Trunk(
            half=0.5 * self.length * facing,
            chest=(self.shoulder - self.depth) * math.cos(view.tilt),
            facing=facing,
        )
        self._paint_legs(rng, painter, trunk, climate)
        self._paint_body(rng, painter, trunk, fur)
        self._paint_head(rng, painter, trunk, fur=fur, climate=climate)

    def _paint_legs(
        self, rng: np.random.Generator, painter: Painter, trunk: _Trunk, climate: Climate
    ) -> None:
        kelvin = climate.clothed(float(rng.uniform(0.3, 0.6)))
        stride = float(rng.uniform(0.02, 0.16)) * self.length * abs(trunk.facing)
        for end, thick in ((-0.9, 0.36), (0.9, 0.3)):
            for side in (-1.0, 1.0):
                hip = (end * trunk.half, trunk.chest)
                hoof = (end * trunk.half + side * (stride + 0.04 * self.length), 0.015)
                far = 0.6 if side > 0 else 0.0
                painter.limb(hip, hoof, (thick * self.depth, 0.13 * self.depth), kelvin - far)

    def _paint_body(self, rng: np.random.Generator, painter: Painter, trunk: _Trunk, fur: float) -> None:
        """Tail, trunk, and the belly, where the fur is thin."""
        half, chest, depth = trunk.half, trunk.chest, self.depth
        wag = float(rng.uniform(-0.5, 0.7)) * self.tail
        tip = (-1.05 * half - 0.7 * trunk.forward * self.tail, chest + wag)
        painter.limb((-half, chest + 0.3 * depth), tip, (0.16 * depth, 0.1 * depth), fur - 1.0)
        painter.limb((-half, chest), (half, chest), (0.95 * depth, depth), fur)
        low = chest - 0.5 * depth
        painter.limb((-0.6 * half, low), (0.7 * half, low), (0.4 * depth, 0.4 * depth), fur + 1.2)

    def _paint_head(
        self, rng: np.random.Generator, painter: Painter, trunk: _Trunk, *, fur: float, climate: Climate
    ) -> None:
        """Neck and head, raised or grazing; the face has little fur."""
        face = climate.clothed(float(rng.uniform(0.6, 0.95)))
        raised = float(rng.uniform(0.5, 1.0) if rng.random() < 0.65 else rng.uniform(-0.9, -0.2))
        reach = self.neck * math.sqrt(1 - 0.7 * raised * raised) * abs(trunk.facing)
        x = trunk.half + trunk.forward * reach
        y = max(self.head, trunk.chest + 1.2 * self.neck * raised)
        start = (trunk.half, trunk.chest + 0.2 * self.depth)
        painter.limb(start, (x, y), (0.7 * self.depth, 0.7 * self.head), fur)
        muzzle = (x + 1.5 * self.head * trunk.facing, y - 0.5 * self.head)
        painter.limb((x, y), muzzle, (0.85 * self.head, 0.45 * self.head), face)
        ear = (x - 0.4 * trunk.forward * self.head, y + 1.3 * self.head)
        painter.limb((x, y), ear, (0.45 * self.head, 0.2 * self.head), face - 0.5)


@dataclass(frozen=True)
class _Trunk:
    """Where the trunk lies in the picture, metres: half its length (negative faces left), chest's height.

    facing: cosine of the yaw, kept away from 0.
    """

    half: float
    chest: float
    facing: float

    @property
    def forward(self) -> float:
        return math.copysign(1.0, self.facing)


KINDS = (
    Animal(length=0.75, shoulder=0.55, depth=0.13, neck=0.22, head=0.11, tail=0.3),  # dog
    Animal(length=0.6, shoulder=0.33, depth=0.11, neck=0.1, head=0.08, tail=0.4),  # fox
    Animal(length=1.1, shoulder=0.85, depth=0.2, neck=0.45, head=0.13, tail=0.08),  # deer
    Animal(length=1.9, shoulder=1.35, depth=0.38, neck=0.45, head=0.22, tail=0.5),  # cow
    Animal(length=1.2, shoulder=0.7, depth=0.27, neck=0.2, head=0.17, tail=0.15),  # boar, sheep
)


def draw_animal(rng: np.random.Generator) -> Animal:
    """A kind, its size varied by a fifth either way."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    size = float(rng.uniform(0.8, 1.2))
    return Animal(**{name: size * value for name, value in asdict(kind).items()})
