"""Ground, sky and skyline: what is behind everything that stands."""

from __future__ import annotations

import cv2
import numpy as np

from detector.synth.camera import Camera
from detector.synth.climate import Climate
from detector.synth.noise import fractal_tile, sample_tile

TILE = 256
GRAIN = 8.0  # tile pixels across the coarsest detail of a layer
WAVES = (48.0, 20.0, 8.0, 3.2, 1.3, 0.5, 0.2, 0.08)  # metres: the coarsest detail of each layer of texture
COARSE = 2  # the backdrop is painted this much coarser than objects: it has no edges worth the time


class Ground:
    """The flat earth as the camera sees it: for every fine pixel below the horizon its place in metres."""

    def __init__(self, camera: Camera, *, width: int, height: int, fine: int) -> None:
        """fine: bitmap pixels per output pixel."""
        rows = (np.arange(height * fine) + 0.5) / fine
        self.first = int(np.searchsorted(rows, camera.horizon + 0.5))
        below = rows[self.first :] - camera.horizon
        columns = (np.arange(width * fine) + 0.5) / fine - width / 2
        away = np.repeat((camera.focal * camera.height / below)[:, None], width * fine, axis=1)
        self.away = away.astype(np.float32)
        self.right = (columns[None, :] * away / camera.focal).astype(np.float32)
        self.footprint = (camera.focal * camera.height / below**2)[:, None].astype(np.float32)
        """Metres of ground, away from the camera, under one output pixel."""


def paint_backdrop(
    rng: np.random.Generator, camera: Camera, climate: Climate, *, width: int, height: int, fine: int
) -> np.ndarray:
    """Temperatures [height * fine, width * fine] float32 of the scene without anything standing in it."""
    full, fine = (width * fine, height * fine), max(1, fine // COARSE)
    canvas = np.empty((height * fine, width * fine), np.float32)
    ground = Ground(camera, width=width, height=height, fine=fine)
    tile = fractal_tile(rng, size=TILE, slope=-2.0)
    canvas[ground.first :] = _paint_ground(rng, ground, tile, climate)
    if ground.first > 0:
        _paint_sky(rng, canvas, ground.first, climate, fine=fine)
        _paint_skyline(rng, canvas, ground.first, climate, tile=tile, fine=fine)
    return cv2.resize(canvas, full)


def _paint_ground(rng: np.random.Generator, ground: Ground, tile: np.ndarray, climate: Climate) -> np.ndarray:
    layer = _band(tile)
    texture = np.zeros_like(ground.away, dtype=np.float32)
    roughness = float(rng.uniform(-0.35, 0.1))
    for wave in WAVES:
        strength = float(rng.uniform(0.4, 1.0)) * (wave / 8) ** roughness
        strength = strength / (1.0 + (ground.footprint / (0.5 * wave)) ** 2)
        scale, shift = GRAIN / wave, rng.uniform(0, TILE, 2).astype(np.float32)
        texture += strength * sample_tile(
            layer, ground.right * scale + shift[0], ground.away * scale + shift[1]
        )
    contrast = float(rng.uniform(0.2, 0.55)) * (1.0 + 1.0 * climate.sun)
    kelvin = climate.ground + contrast * texture
    kelvin += _fields(rng, ground, tile, climate)
    if rng.random() < 0.6:
        _paint_road(rng, kelvin, ground, climate)
    for _ in range(int(rng.integers(2, 9))):
        _paint_patch(rng, kelvin, ground, climate)
    haze = np.clip((ground.away - 60) / 250, 0, 0.8)
    return kelvin + haze * (climate.air + 0.5 * (climate.ground - climate.air) - kelvin)


def _band(tile: np.ndarray) -> np.ndarray:
    """The tile without what is coarser than GRAIN and finer than a third of it, unit deviation."""
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]) * GRAIN
    keep = (frequency > 0.7) & (frequency < 3.0)
    band = np.fft.irfft2(np.fft.rfft2(tile) * keep, s=tile.shape)
    return np.asarray(band / band.std(), dtype=np.float32)


def _fields(rng: np.random.Generator, ground: Ground, tile: np.ndarray, climate: Climate) -> np.ndarray:
    """Two kinds of soil or growth that meet along a winding border."""
    scale, shift = TILE / float(rng.uniform(40, 160)), rng.uniform(0, TILE, 2).astype(np.float32)
    level = sample_tile(tile, ground.right * scale + shift[0], ground.away * scale + shift[1])
    step = float(rng.uniform(0.5, 2.5)) * (1 + 1.5 * climate.sun) * (1 if rng.random() < 0.5 else -1)
    return step * _inside(float(rng.uniform(-0.5, 0.8)) - level, float(rng.uniform(0.02, 0.15)))


def _paint_road(rng: np.random.Generator, kelvin: np.ndarray, ground: Ground, climate: Climate) -> None:
    """A straight, smooth strip of asphalt with kerbs, wheel tracks and a broken line, at any angle."""
    angle = float(rng.uniform(-1.5, 1.5))
    centre = float(np.median(ground.away)) * float(rng.uniform(0.6, 1.1))
    away, right = ground.away - centre, ground.right - float(rng.uniform(-3, 3))
    across = away * np.cos(angle) + right * np.sin(angle)
    along = right * np.cos(angle) - away * np.sin(angle)
    half = float(rng.uniform(1.0, 4.5))
    asphalt = climate.ground + float(rng.uniform(-1, 4)) + climate.sun * float(rng.uniform(-2, 6))
    inside = _inside(np.abs(across) - half, 0.05 + 0.3 * ground.footprint)
    kelvin += inside * (0.8 * (asphalt - kelvin))
    kelvin += _stripe(np.abs(across) - half, 0.1, ground) * float(rng.uniform(-3, 3))
    kelvin += _stripe(across, 0.07, ground) * (np.mod(along, 6) < 3) * float(rng.uniform(-2, 1))
    for track in (-0.45, 0.45):
        kelvin += inside * 0.5 * np.exp(-(((across - track * half) / 0.45) ** 2))


def _inside(distance: np.ndarray, soft: np.ndarray | float) -> np.ndarray:
    """1 where the distance to an edge is negative, 0 where positive, and between within about `soft`."""
    return 1 / (1 + np.exp(np.clip(distance / soft, -30, 30)))


def _stripe(across: np.ndarray, half: float, ground: Ground) -> np.ndarray:
    """A line 2 * half metres wide about across = 0; thinner than a pixel, it fades instead."""
    seen = half + 0.4 * ground.footprint
    return half / seen * np.exp(-((across / seen) ** 2))


def _paint_patch(rng: np.random.Generator, kelvin: np.ndarray, ground: Ground, climate: Climate) -> None:
    """A puddle, a slab, a manhole, a place in the sun or one where a car stood."""
    row, column = int(rng.integers(kelvin.shape[0])), int(rng.integers(kelvin.shape[1]))
    x = ground.right - ground.right[row, column]
    z = ground.away - ground.away[row, column]
    radius = float(np.exp(rng.uniform(np.log(0.25), np.log(2.5))))
    stretch = float(rng.uniform(0.4, 1.0))
    step = float(rng.uniform(0.8, 4.0)) * (1 + climate.sun) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.4:  # a slab or a parking place has corners
        distance = np.maximum(np.abs(x), np.abs(z) / stretch) / radius
    else:
        distance = np.hypot(x, z / stretch) / radius
    soft = float(rng.uniform(0.04, 0.3)) + 0.5 * ground.footprint / radius
    kelvin += step * _inside(distance - 1, soft)


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
