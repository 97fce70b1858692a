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

    @property
    def side(self) -> float:
        """The longer side in metres."""
        return self.length

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """One vehicle on its wheels, foot point under its middle."""
        heat = _draw_heat(rng, climate)
        near = -1.0 if view.faces((0, 0, -1)) else 1.0
        canvas = _Canvas(painter=painter, view=view)
        self._paint_shade(canvas, heat)
        self._paint_wheels(canvas, across=-0.45 * near * self.width, kelvin=heat.wheel - 1.0)
        self._paint_body(canvas, heat)
        self._paint_wheels(canvas, across=0.5 * near * self.width, kelvin=heat.wheel)
        self._paint_cabin(canvas, heat)

    def _paint_shade(self, canvas: _Canvas, heat: _Heat) -> None:
        half, side = 0.5 * self.length, 0.475 * self.width
        canvas.fill([(x, 0.0, z) for x, z in _rectangle(-half, half, -side, side)], heat.under, body=False)

    def _paint_wheels(self, canvas: _Canvas, *, across: float, kelvin: float) -> None:
        for along in (-0.31 * self.length, 0.32 * self.length):
            disc = [
                (along + self.wheel * math.cos(a), self.wheel * (1 + math.sin(a)), across) for a in _CIRCLE
            ]
            canvas.fill(disc, kelvin)

    def _paint_body(self, canvas: _Canvas, heat: _Heat) -> None:
        """The lower box; over the engine the hood is warm, so is the grille; the exhaust is at the rear."""
        half, side, low = 0.5 * self.length, 0.5 * self.width, 0.6 * self.wheel
        for name, normal, corners in _box(-half, half, (low, self.waist), side, slope=0.0):
            if canvas.view.faces(normal):
                canvas.fill(corners, heat.roof if name == "top" else heat.paint)
        if canvas.view.faces((0, 1, 0)):
            hood = _rectangle(self.cabin[1], half, -side, side)
            canvas.fill([(x, self.waist, z) for x, z in hood], heat.hood)
        if canvas.view.faces((1, 0, 0)):
            grille = _rectangle(low, 0.8 * self.waist, -0.7 * side, 0.7 * side)
            canvas.fill([(half, y, z) for y, z in grille], heat.grille)
        if canvas.view.faces((-1, 0, 0)):
            exhaust = _rectangle(low, low + 0.22, 0.35 * side, 0.75 * side)
            canvas.fill([(-half, y, z) for y, z in exhaust], heat.exhaust)

    def _paint_cabin(self, canvas: _Canvas, heat: _Heat) -> None:
        levels = (self.waist, self.roof)
        for name, normal, corners in _box(*self.cabin, levels, 0.485 * self.width, slope=self.slope):
            if not canvas.view.faces(normal):
                continue
            canvas.fill(corners, heat.roof if name == "top" else heat.paint)
            if name != "top":
                canvas.fill(_inset(corners, 0.8), heat.glass)


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


def draw_vehicle(rng: np.random.Generator) -> Vehicle:
    """One of the kinds, cars more often than the others."""
    return KINDS[int(rng.choice(len(KINDS), p=(0.3, 0.2, 0.2, 0.15, 0.15)))]


TRUCKS = (
    Vehicle(
        length=6.2, width=2.1, waist=1.2, roof=2.6, cabin=(-3.0, 1.5), slope=0.03, wheel=0.4
    ),  # delivery van
    Vehicle(length=7.5, width=2.4, waist=1.3, roof=3.0, cabin=(-3.7, 2.0), slope=0.02, wheel=0.45),  # lorry
    Vehicle(
        length=9.5, width=2.5, waist=1.4, roof=3.2, cabin=(-4.7, 3.0), slope=0.02, wheel=0.5
    ),  # long lorry
    Vehicle(length=11.0, width=2.55, waist=1.2, roof=3.1, cabin=(-5.4, 5.3), slope=0.05, wheel=0.5),  # bus
)


def draw_truck(rng: np.random.Generator) -> Vehicle:
    """A lorry or a bus, each as often."""
    return TRUCKS[int(rng.integers(len(TRUCKS)))]


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
    engine = float(rng.uniform(4, 18)) if rng.random() < 0.65 else 0.0
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


Corner = tuple[float, float, float]
"""Along the vehicle, up, across; metres."""


@dataclass(frozen=True)
class _Canvas:
    """Paints flat faces given in the vehicle's own metres."""

    painter: Painter
    view: View

    def fill(self, corners: list[Corner], kelvin: float, *, body: bool = True) -> None:
        self.painter.polygon(self.view.project(np.array(corners)), kelvin, body=body)


def _rectangle(a0: float, a1: float, b0: float, b1: float) -> list[tuple[float, float]]:
    return [(a0, b0), (a1, b0), (a1, b1), (a0, b1)]


Face = tuple[str, Corner, list[Corner]]
"""Name, outward normal, corners."""


def _box(x0: float, x1: float, levels: tuple[float, float], side: float, *, slope: float) -> list[Face]:
    """Faces of a box between two levels whose top is shorter by `slope` at either end."""
    y0, y1 = levels
    top0, top1, inner = x0 + slope, x1 - slope, side * (1 - 0.3 * slope)
    return [
        ("rear", (-1, 0, 0), [(x0, y0, -side), (x0, y0, side), (top0, y1, inner), (top0, y1, -inner)]),
        ("front", (1, 0, 0), [(x1, y0, -side), (x1, y0, side), (top1, y1, inner), (top1, y1, -inner)]),
        ("right", (0, 0, -1), [(x0, y0, -side), (x1, y0, -side), (top1, y1, -inner), (top0, y1, -inner)]),
        ("left", (0, 0, 1), [(x0, y0, side), (x1, y0, side), (top1, y1, inner), (top0, y1, inner)]),
        ("top", (0, 1, 0), [(x, y1, z) for x, z in _rectangle(top0, top1, -inner, inner)]),
    ]


def _inset(corners: list[Corner], share: float) -> list[Corner]:
    """The same face shrunk towards its middle: a window in its frame."""
    points = np.array(corners)
    middle = points.mean(axis=0)
    return [(float(x), float(y), float(z)) for x, y, z in middle + share * (points - middle)]
