"""Bicycles and scooters: a thin line of metal from above, now and then with a rider."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter


@dataclass(frozen=True)
class Bicycle:
    """Metres; gain: kelvin by which its metal differs from the ground; rider: whether somebody sits on it."""

    length: float
    width: float
    gain: float
    rider: bool

    @property
    def side(self) -> float:
        """The longer side in metres."""
        return self.length

    def paint(self, rng: np.random.Generator, painter: Painter, *, view: View, climate: Climate) -> None:
        """One bicycle on its wheels, foot point under its middle."""
        metal = climate.ground + self.gain
        _bar(painter, view, (-self.length / 2, 0.4, 0.0), (self.length / 2, 0.4, 0.0), self.width / 2, metal)
        handlebar = 0.3 * self.length
        _bar(painter, view, (handlebar, 0.9, -0.3), (handlebar, 0.9, 0.3), 0.06, metal + rng.uniform(-1, 1))
        _bar(painter, view, (0.1, 0.5, 0.0), (0.1, 0.5, 0.0), self.width / 2, metal + rng.uniform(-1, 4))
        if self.rider:
            jacket = climate.clothed(float(rng.uniform(0.4, 0.8)))
            _bar(painter, view, (-0.1, 0.8, 0.0), (0.1, 1.5, 0.0), 0.21, jacket)
            _bar(painter, view, (0.1, 1.6, 0.0), (0.1, 1.6, 0.0), 0.12, climate.skin - 2.0)


def draw_bicycle(rng: np.random.Generator) -> Bicycle:
    """Warmer than the ground or colder; one in eight is ridden."""
    return Bicycle(
        length=float(rng.uniform(1.5, 2.0)),
        width=float(rng.uniform(0.25, 0.5)),
        gain=float(rng.uniform(-6, 10)),
        rider=bool(rng.random() < 0.12),
    )


def beside(bicycle: Bicycle, rng: np.random.Generator) -> Bicycle:
    """Another in the same rack: about as warm, about as long."""
    return replace(
        bicycle,
        length=bicycle.length * float(rng.uniform(0.9, 1.1)),
        gain=bicycle.gain + float(rng.normal(0, 1)),
    )


Place = tuple[float, float, float]
"""Along the bicycle, up, across; metres."""


def _bar(painter: Painter, view: View, start: Place, end: Place, radius: float, kelvin: float) -> None:
    first, last = ((float(right), float(up)) for right, up in view.project(np.array([start, end])))
    painter.limb(first, last, (radius, radius), float(kelvin))
