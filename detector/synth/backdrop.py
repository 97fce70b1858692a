"""Ground, sky and skyline: what is behind everything that stands."""

from __future__ import annotations

import cv2
import numpy as np

from detector.synth.camera import Camera
from detector.synth.climate import Climate
from detector.synth.ground import Ground, paint_ground
from detector.synth.noise import fractal_tile

TILE = 256
COARSE = 2  # the backdrop is painted this much coarser than objects: its edges are softer than theirs


def paint_backdrop(
    rng: np.random.Generator, camera: Camera, climate: Climate, *, width: int, height: int, fine: int
) -> np.ndarray:
    """Temperatures [height * fine, width * fine] float32 of the scene without anything standing in it."""
    full, fine = (width * fine, height * fine), max(1, fine // COARSE)
    canvas = np.empty((height * fine, width * fine), np.float32)
    ground = Ground.before(camera, width=width, height=height, fine=fine)
    tile = fractal_tile(rng, size=TILE, slope=-2.0)
    canvas[ground.first :] = paint_ground(rng, ground, tile, climate)
    if ground.first > 0:
        _paint_sky(rng, canvas, ground.first, climate, fine=fine)
        _paint_skyline(rng, canvas, ground.first, climate, tile=tile, fine=fine)
    return cv2.resize(canvas, full)


def _paint_sky(
    rng: np.random.Generator, canvas: np.ndarray, first: int, climate: Climate, *, fine: int
) -> None:
    """Warm near the horizon, where the path through the air is long, colder above; clouds if any."""
    above = (first - np.arange(first)[:, None]) / fine
    kelvin = climate.sky + (climate.air - 2 - climate.sky) * np.exp(-above / 22)
    clouds = cv2.resize(fractal_tile(rng, size=64, slope=-2.6), (canvas.shape[1], first))
    canvas[:first] = kelvin + clouds * float(rng.uniform(0.1, 2.0)) * (1 - np.exp(-above / 15))


def _paint_skyline(
    rng: np.random.Generator, canvas: np.ndarray, first: int, climate: Climate, *, tile: np.ndarray, fine: int
) -> None:
    """Woods along the horizon, perhaps some houses with windows in front of them."""
    width = canvas.shape[1]
    profile = np.interp(np.arange(width), np.linspace(0, width, 41), rng.uniform(0.3, 1, 41))
    profile *= 0.7 + 0.3 * np.abs(tile[7, np.arange(width) % TILE])
    height = float(rng.uniform(2, 22)) * fine * profile
    rows = np.arange(first)[:, None]
    leaves = np.resize(tile[:, np.arange(width) % TILE], (first, width))
    woods = climate.air - 0.5 + climate.sun * 1.0 + 0.8 * leaves
    canvas[:first] = np.where(first - rows < height[None, :], woods, canvas[:first])
    for _ in range(int(rng.integers(0, 4))):
        _paint_house(rng, canvas, first, climate, fine=fine)


def _paint_house(
    rng: np.random.Generator, canvas: np.ndarray, first: int, climate: Climate, *, fine: int
) -> None:
    wide, tall = (int(rng.integers(low, high) * fine) for low, high in ((12, 45), (6, 26)))
    left, top = int(rng.integers(-wide // 2, canvas.shape[1] - wide // 2)), max(0, first - tall)
    wall = climate.air + float(rng.uniform(-0.5, 4)) + climate.sun * float(rng.uniform(-1, 8))
    canvas[top : first + fine, max(0, left) : left + wide] = wall
    roof = climate.air - 3 * climate.clear * (climate.sun == 0) + climate.sun * float(rng.uniform(2, 12))
    canvas[top : top + int(0.25 * (first - top)), max(0, left) : left + wide] = roof
    window = wall + float(rng.uniform(-4, 3))
    for x in range(left + 2 * fine, left + wide - 3 * fine, 6 * fine):
        for y in range(top + int(0.35 * (first - top)), first - 2 * fine, 6 * fine):
            canvas[y : y + 3 * fine, max(0, x) : max(0, x + 2 * fine)] = window
