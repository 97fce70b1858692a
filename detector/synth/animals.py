"""Four-legged animals: body, legs, neck, head and tail under fur."""

from __future__ import annotations

import math
from dataclasses import dataclass

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


KINDS = (
    Animal(length=0.75, shoulder=0.55, depth=0.13, neck=0.22, head=0.11, tail=0.3),  # dog
    Animal(length=0.6, shoulder=0.33, depth=0.11, neck=0.1, head=0.08, tail=0.4),  # fox
    Animal(length=1.1, shoulder=0.85, depth=0.2, neck=0.45, head=0.13, tail=0.08),  # deer
    Animal(length=1.9, shoulder=1.35, depth=0.38, neck=0.45, head=0.22, tail=0.5),  # cow
    Animal(length=1.2, shoulder=0.7, depth=0.27, neck=0.2, head=0.17, tail=0.15),  # boar, sheep
)


def draw_kind(rng: np.random.Generator) -> Animal:
    """A kind, its size varied by a fifth either way."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    size = float(rng.uniform(0.8, 1.2))
    return Animal(
        length=kind.length * size,
        shoulder=kind.shoulder * size,
        depth=kind.depth * size,
        neck=kind.neck * size,
        head=kind.head * size,
        tail=kind.tail * size,
    )


def paint_animal(
    rng: np.random.Generator, painter: Painter, *, kind: Animal, view: View, climate: Climate
) -> None:
    """One animal standing or walking, foot point at the origin; yaw shortens it towards a front view."""
    fur = climate.clothed(float(rng.uniform(0.25, 0.6)))
    legs = climate.clothed(float(rng.uniform(0.2, 0.5)))
    face = climate.clothed(float(rng.uniform(0.6, 0.95)))
    squash = math.cos(view.tilt)
    facing = math.copysign(max(0.45, abs(math.cos(view.yaw))), math.cos(view.yaw))
    half = 0.5 * kind.length * facing
    chest = (kind.shoulder - kind.depth) * squash
    stride = float(rng.uniform(0.02, 0.16)) * kind.length

    for end in (-0.9, 0.9):
        for side in (-1.0, 1.0):
            hip = (end * half, chest)
            hoof = (end * half + side * stride * abs(facing) + 0.04 * side * kind.length, 0.015)
            thick = kind.depth * (0.36 if end < 0 else 0.3)
            painter.limb(hip, hoof, (thick, 0.13 * kind.depth), legs - (0.6 if side > 0 else 0.0))
    tail_tip = (
        -half * 1.05 - math.copysign(kind.tail * 0.7, facing),
        chest - float(rng.uniform(-0.5, 0.7)) * kind.tail,
    )
    painter.limb(
        (-half, chest + 0.3 * kind.depth), tail_tip, (0.16 * kind.depth, 0.1 * kind.depth), fur - 1.0
    )
    painter.limb((-half, chest), (half, chest), (kind.depth * 0.95, kind.depth), fur)
    painter.limb(
        (-0.6 * half, chest - 0.5 * kind.depth),
        (0.7 * half, chest - 0.5 * kind.depth),
        (0.4 * kind.depth, 0.4 * kind.depth),
        fur + 1.2,
    )

    raised = float(rng.uniform(0.5, 1.0)) if rng.random() < 0.65 else float(rng.uniform(-0.9, -0.2))
    forward = math.copysign(1.0, facing)
    head = (
        half + forward * kind.neck * math.sqrt(1 - 0.7 * raised * raised) * abs(facing),
        max(kind.head, chest + kind.neck * raised * 1.2 * squash),
    )
    painter.limb((half, chest + 0.2 * kind.depth), head, (0.7 * kind.depth, 0.7 * kind.head), fur)
    muzzle = (head[0] + forward * kind.head * 1.5 * abs(facing), head[1] - 0.5 * kind.head)
    painter.limb(head, muzzle, (kind.head * 0.85, kind.head * 0.45), face)
    ear = (head[0] - forward * 0.4 * kind.head, head[1] + 1.3 * kind.head)
    painter.limb(head, ear, (0.45 * kind.head, 0.2 * kind.head), face - 0.5)
