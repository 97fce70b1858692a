"""Houses seen from above: walls with rows of windows, a flat roof, and what stands on it."""

from __future__ import annotations

import numpy as np

from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter

WINDOW = (1.4, 1.6)  # metres: width, height
STEP = (3.2, 3.3)  # from one window to the next, along and up
MARGIN = 1.0  # between a wall's edge and its first windows


def draw_house(rng: np.random.Generator) -> tuple[float, float, float]:
    """Half its length, half its depth and its height, in metres."""
    return float(rng.uniform(4, 18)), float(rng.uniform(3, 8)), float(rng.uniform(3, 14))


def paint_house(
    rng: np.random.Generator,
    painter: Painter,
    size: tuple[float, float, float],
    *,
    view: View,
    climate: Climate,
) -> None:
    """A house of `draw_house`'s size, its foot point under its middle."""
    half, deep, tall = size
    wall = climate.air + float(rng.uniform(-0.5, 4)) + climate.sun * float(rng.uniform(-1, 8))
    glass = wall + float(rng.uniform(-3, 5))
    corners = np.array([(-half, -deep), (half, -deep), (half, deep), (-half, deep)])
    for index, normal in enumerate(((0, 0, -1), (1, 0, 0), (0, 0, 1), (-1, 0, 0))):
        if view.faces(normal):
            foot = corners[[index, (index + 1) % 4]]
            _fill(painter, view, _wall(foot, 0.0, 1.0, 0.0, tall), wall + float(rng.uniform(-1.5, 1.5)))
            _paint_windows(rng, painter, foot, tall, glass, view=view)
    cold = 4.0 * climate.clear * (climate.sun == 0)
    roof = climate.air - cold + climate.sun * float(rng.uniform(0, 12)) + float(rng.uniform(-2, 2))
    _fill(painter, view, np.insert(corners, 1, tall, axis=1), roof)
    for _ in range(int(rng.integers(0, 6))):  # vents, hatches, machines
        x, z = float(rng.uniform(-0.8, 0.8)) * half, float(rng.uniform(-0.8, 0.8)) * deep
        box = float(rng.uniform(0.3, 1.5)) * np.array([(-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7)]) + (x, z)
        _fill(painter, view, np.insert(box, 1, tall, axis=1), roof + float(rng.uniform(-6, 8)))


def _paint_windows(
    rng: np.random.Generator, painter: Painter, foot: np.ndarray, tall: float, glass: float, *, view: View
) -> None:
    """Every window has a temperature of its own, near `glass`. foot [2, 2]: the wall's ends."""
    length = float(np.linalg.norm(foot[1] - foot[0]))
    for left in np.arange(MARGIN, length - WINDOW[0], STEP[0]):
        for low in np.arange(MARGIN, tall - WINDOW[1], STEP[1]):
            part = _wall(foot, left / length, (left + WINDOW[0]) / length, low, low + WINDOW[1])
            _fill(painter, view, part, glass + float(rng.uniform(-1, 1)))


def _wall(foot: np.ndarray, start: float, end: float, low: float, high: float) -> np.ndarray:
    """Corners [4, 3] of the part of an upright wall between two shares of its length and two heights."""
    a, b = foot[0] + start * (foot[1] - foot[0]), foot[0] + end * (foot[1] - foot[0])
    return np.array([(a[0], low, a[1]), (b[0], low, b[1]), (b[0], high, b[1]), (a[0], high, a[1])])


def _fill(painter: Painter, view: View, corners: np.ndarray, kelvin: float) -> None:
    painter.polygon(view.project(corners), kelvin)
