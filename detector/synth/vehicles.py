"""Vehicles: two stacked boxes seen in perspective, with warm engine and wheels and cool glass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter

_CIRCLE = np.linspace(0, 2 * math.pi, 16, endpoint=False)


@dataclass(frozen=True)
class Vehicle:
    """Metres. The body reaches up to `waist`, the cabin from rear to front (along) and up to `roof`."""

    length: float
    width: float
    waist: float
    roof: float
    cabin: tuple[float, float]
    slope: float
    wheel: float


KINDS = (
    Vehicle(length=4.3, width=1.8, waist=0.9, roof=1.45, cabin=(-1.7, 0.9), slope=0.45, wheel=0.33),  # car
    Vehicle(
        length=3.9, width=1.7, waist=0.95, roof=1.5, cabin=(-1.9, 0.85), slope=0.35, wheel=0.3
    ),  # hatchback
    Vehicle(
        length=4.7, width=1.9, waist=1.05, roof=1.75, cabin=(-2.3, 1.1), slope=0.3, wheel=0.38
    ),  # off-roader
    Vehicle(length=5.3, width=2.0, waist=1.1, roof=2.3, cabin=(-2.6, 1.7), slope=0.25, wheel=0.36),  # van
    Vehicle(
        length=5.2, width=1.9, waist=1.05, roof=1.75, cabin=(-0.6, 1.2), slope=0.25, wheel=0.38
    ),  # pick-up
)


def draw_kind(rng: np.random.Generator) -> Vehicle:
    """One of the kinds, cars more often than the others."""
    return KINDS[int(rng.choice(len(KINDS), p=(0.3, 0.2, 0.2, 0.15, 0.15)))]


@dataclass(frozen=True)
class _Heat:
    """Surface temperatures in kelvin of one vehicle."""

    paint: float
    roof: float
    hood: float
    grille: float
    glass: float
    wheel: float
    exhaust: float
    under: float


def _draw_heat(rng: np.random.Generator, climate: Climate) -> _Heat:
    """Parked cold, or with an engine that runs (or ran lately)."""
    engine = float(rng.uniform(4, 18)) if rng.random() < 0.55 else 0.0
    sunny = climate.sun * float(rng.uniform(2, 18))
    paint = climate.air - 3.0 * climate.clear * (climate.sun == 0) + sunny + 0.15 * engine
    return _Heat(
        paint=paint,
        roof=paint + 0.5 * sunny - 2.0 * climate.clear,
        hood=paint + 0.3 * sunny + 0.6 * engine,
        grille=paint + 0.9 * engine,
        glass=0.75 * climate.air + 0.25 * climate.sky + 0.3 * sunny + 0.1 * engine,
        wheel=climate.air + float(rng.uniform(0.5, 3)) + 0.4 * sunny + 0.45 * engine,
        exhaust=paint + 1.4 * engine,
        under=climate.ground - 4.0 * climate.sun + 0.15 * engine - 0.5,
    )


def paint_vehicle(
    rng: np.random.Generator, painter: Painter, *, kind: Vehicle, view: View, climate: Climate
) -> None:
    """One vehicle on its wheels, foot point under its middle."""
    heat = _draw_heat(rng, climate)
    half, side = kind.length / 2, kind.width / 2
    low = 0.6 * kind.wheel
    rear, front = kind.cabin

    def fill(corners: list[tuple[float, float, float]], kelvin: float, *, body: bool = True) -> None:
        painter.polygon(view.project(np.array(corners)), kelvin, body=body)

    fill([(x, 0.0, z) for x, z in _rectangle(-half, half, -side * 0.95, side * 0.95)], heat.under, body=False)
    near = -1.0 if view.faces((0, 0, -1)) else 1.0
    _paint_wheels(painter, kind=kind, view=view, across=-near * side * 0.9, kelvin=heat.wheel - 1.0)

    for name, normal, corners in _box(-half, half, low, kind.waist, side, 0.0):
        if view.faces(normal):
            fill(corners, heat.roof if name == "top" else heat.paint)
    if view.faces((0, 1, 0)):
        fill([(x, kind.waist, z) for x, z in _rectangle(front, half, -side, side)], heat.hood)
    if view.faces((1, 0, 0)):
        fill(
            [(half, y, z) for y, z in _rectangle(low, 0.8 * kind.waist, -0.7 * side, 0.7 * side)], heat.grille
        )
    _paint_wheels(painter, kind=kind, view=view, across=near * side, kelvin=heat.wheel)
    if view.faces((-1, 0, 0)):
        fill([(-half, y, z) for y, z in _rectangle(low, low + 0.22, 0.35 * side, 0.75 * side)], heat.exhaust)

    for name, normal, corners in _box(rear, front, kind.waist, kind.roof, side * 0.97, kind.slope):
        if view.faces(normal):
            fill(corners, heat.roof if name == "top" else heat.paint)
            if name != "top":
                fill(_inset(corners, 0.8), heat.glass)


def _paint_wheels(painter: Painter, *, kind: Vehicle, view: View, across: float, kelvin: float) -> None:
    for along in (-0.31 * kind.length, 0.32 * kind.length):
        disc = [(along + kind.wheel * math.cos(a), kind.wheel * (1 + math.sin(a)), across) for a in _CIRCLE]
        painter.polygon(view.project(np.array(disc)), kelvin)


def _rectangle(a0: float, a1: float, b0: float, b1: float) -> list[tuple[float, float]]:
    return [(a0, b0), (a1, b0), (a1, b1), (a0, b1)]


Face = tuple[str, tuple[float, float, float], list[tuple[float, float, float]]]


def _box(x0: float, x1: float, y0: float, y1: float, side: float, slope: float) -> list[Face]:
    """Faces (name, outward normal, corners) of a box whose top is shorter by `slope` at either end."""
    top0, top1, inner = x0 + slope, x1 - slope, side * (1 - 0.3 * slope)
    return [
        ("rear", (-1, 0, 0), [(x0, y0, -side), (x0, y0, side), (top0, y1, inner), (top0, y1, -inner)]),
        ("front", (1, 0, 0), [(x1, y0, -side), (x1, y0, side), (top1, y1, inner), (top1, y1, -inner)]),
        ("right", (0, 0, -1), [(x0, y0, -side), (x1, y0, -side), (top1, y1, -inner), (top0, y1, -inner)]),
        ("left", (0, 0, 1), [(x0, y0, side), (x1, y0, side), (top1, y1, inner), (top0, y1, inner)]),
        ("top", (0, 1, 0), [(x, y1, z) for x, z in _rectangle(top0, top1, -inner, inner)]),
    ]


def _inset(corners: list[tuple[float, float, float]], share: float) -> list[tuple[float, float, float]]:
    """The same face shrunk towards its middle: a window in its frame."""
    points = np.array(corners)
    middle = points.mean(axis=0)
    return [tuple(point) for point in middle + share * (points - middle)]
