"""The ground: soil and growth, yards, roads and what lies on them, painted in metres of flat earth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from detector.synth.camera import Camera, Drone
from detector.synth.climate import Climate
from detector.synth.noise import sample_tile

GRAIN = 8.0  # tile pixels across the coarsest detail of a layer
WAVES = (48.0, 20.0, 8.0, 3.2, 1.3, 0.5, 0.2, 0.08)  # metres: the coarsest detail of each layer of texture
FIELDS = ((100.0, 2.5), (20.0, 1.2))  # metres, kelvin: woods and meadows, tufts and bare places
EDGE = 0.2  # softness of a paved edge in pixels, before the lens


@dataclass(frozen=True, eq=False)
class Ground:
    """The flat earth as a camera sees it: for every fine pixel below the horizon its place in metres.

    first: the row of fine pixels at which the earth begins; right, away [rows, columns] float32: metres from
    the camera's foot; footprint, sideways [rows, 1] float32: metres of ground, away from the camera and to
    the right, under one output pixel.
    """

    first: int
    right: np.ndarray
    away: np.ndarray
    footprint: np.ndarray
    sideways: np.ndarray

    @classmethod
    def before(cls, camera: Camera, *, width: int, height: int, fine: int) -> Ground:
        """What a camera on a mast sees. fine: bitmap pixels per output pixel."""
        rows, columns = _centres(height, fine), _centres(width, fine) - width / 2
        first = int(np.searchsorted(rows, camera.horizon + 0.5))
        below = rows[first:] - camera.horizon
        away = np.repeat((camera.focal * camera.height / below)[:, None], width * fine, axis=1)
        return cls(
            first=first,
            right=(columns[None, :] * away / camera.focal).astype(np.float32),
            away=away.astype(np.float32),
            footprint=(camera.focal * camera.height / below**2)[:, None].astype(np.float32),
            sideways=(camera.height / below)[:, None].astype(np.float32),
        )

    @classmethod
    def below(cls, drone: Drone, *, width: int, height: int, fine: int) -> Ground:
        """What a drone sees, from the middle of its picture. fine: bitmap pixels per output pixel."""
        across, along = drone.metre, drone.metre * math.sin(drone.tilt)
        columns = (_centres(width, fine) - width / 2) / across
        rows = (height / 2 - _centres(height, fine)) / along
        shape = (height * fine, width * fine)
        return cls(
            first=0,
            right=np.broadcast_to(columns, shape).astype(np.float32),
            away=np.broadcast_to(rows[:, None], shape).astype(np.float32),
            footprint=np.full((shape[0], 1), 1 / along, np.float32),
            sideways=np.full((shape[0], 1), 1 / across, np.float32),
        )

    def pixel(self, right: float, away: float) -> np.ndarray:
        """Metres [rows, 1] under one output pixel in the direction of the unit vector (right, away)."""
        return np.hypot(right * self.sideways, away * self.footprint)


def _centres(length: int, fine: int) -> np.ndarray:
    """Of fine pixels, in output pixels: [length * fine]."""
    return np.asarray((np.arange(length * fine) + 0.5) / fine)


def paint_ground(rng: np.random.Generator, ground: Ground, tile: np.ndarray, climate: Climate) -> np.ndarray:
    """Temperatures of the earth at every pixel of `ground`; tile: square and seamless, unit deviation."""
    layer = _band(tile)
    texture = np.zeros_like(ground.away, dtype=np.float32)
    roughness = float(rng.uniform(-0.5, -0.1))
    # The earth is foreshortened: depth alone would wipe out detail that is still seen from side to side.
    grain = np.maximum(np.sqrt(ground.footprint * ground.sideways), 0.3 * ground.footprint)
    for wave in WAVES:
        strength = float(rng.uniform(0.4, 1.0)) * (wave / 8) ** roughness
        strength = strength / (1.0 + (grain / (0.5 * wave)) ** 2)
        texture += strength * _sample(rng, ground, layer, metres=wave / GRAIN)
    contrast = float(rng.uniform(0.2, 0.55)) * (1.0 + 1.0 * climate.sun)
    kelvin = climate.ground + contrast * texture
    for period, step in FIELDS:
        metres, kelvins = float(rng.uniform(0.4, 1.6) * period), float(rng.uniform(0.2, 1.0) * step)
        kelvin += _field(rng, ground, tile, climate, metres=metres, step=kelvins)
    if rng.random() < 0.6:
        worn = _sample(rng, ground, tile, metres=float(rng.uniform(0.3, 1.0)))
        for _ in range(int(rng.integers(1, 4))):
            _paint_yard(rng, kelvin, ground, climate, worn=worn)
    if rng.random() < 0.6:
        _paint_road(rng, kelvin, ground, climate)
    ragged = _sample(rng, ground, tile, metres=0.06)
    for _ in range(int(rng.integers(2, 9))):
        _paint_patch(rng, kelvin, ground, climate, ragged=ragged)
    haze = np.clip((ground.away - 60) / 250, 0, 0.8)
    return kelvin + haze * (climate.air + 0.5 * (climate.ground - climate.air) - kelvin)


def paint_town(rng: np.random.Generator, ground: Ground, tile: np.ndarray, climate: Climate) -> np.ndarray:
    """As `paint_ground`, more of it paved, and from so high that grass and asphalt look smooth."""
    kelvin = paint_ground(rng, ground, tile, climate)
    worn = 0.5 * _sample(rng, ground, tile, metres=float(rng.uniform(0.3, 1.0)))
    for _ in range(int(rng.integers(0, 9))):
        _paint_yard(rng, kelvin, ground, climate, worn=worn)
    for _ in range(int(rng.integers(0, 3))):
        _paint_road(rng, kelvin, ground, climate)
    smooth = cv2.GaussianBlur(kelvin, (0, 0), float(rng.uniform(1.5, 6.0)))
    return np.asarray(smooth + float(rng.uniform(0.05, 0.6)) * (kelvin - smooth))


def _sample(rng: np.random.Generator, ground: Ground, tile: np.ndarray, *, metres: float) -> np.ndarray:
    """The tile spread over the earth from a random corner, each of its pixels this many metres wide."""
    shift = rng.uniform(0, tile.shape[0], 2).astype(np.float32)
    return sample_tile(tile, ground.right / metres + shift[0], ground.away / metres + shift[1])


def _band(tile: np.ndarray) -> np.ndarray:
    """The tile without what is coarser than GRAIN and finer than a third of it, unit deviation."""
    size = tile.shape[0]
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * GRAIN
    keep = (frequency > 0.7) & (frequency < 3.0)
    band = np.fft.irfft2(np.fft.rfft2(tile) * keep, s=tile.shape)
    return np.asarray(band / band.std(), dtype=np.float32)


def _field(
    rng: np.random.Generator,
    ground: Ground,
    tile: np.ndarray,
    climate: Climate,
    *,
    metres: float,
    step: float,
) -> np.ndarray:
    """Kelvin by which one of two kinds of soil or growth differs; they meet along a winding border.

    metres: one period of the pattern; step: the difference at night, greater by day.
    """
    level = _sample(rng, ground, tile, metres=metres / tile.shape[0])
    step *= (1 + 1.5 * climate.sun) * (1 if rng.random() < 0.5 else -1)
    return step * _inside(float(rng.uniform(-0.5, 0.8)) - level, float(rng.uniform(0.02, 0.15)))


def _paint_yard(
    rng: np.random.Generator, kelvin: np.ndarray, ground: Ground, climate: Climate, *, worn: np.ndarray
) -> None:
    """A parking area, a court or a terrace: straight sides at any angle, smooth, joints or bays across.

    Paving heats up in the sun beyond the soil and keeps that into the night; some is shaded and colder.
    """
    angle = float(rng.uniform(0, np.pi))
    row, column = int(rng.integers(kelvin.shape[0])), int(rng.integers(kelvin.shape[1]))
    x, z = ground.right - ground.right[row, column], ground.away - ground.away[row, column]
    along, across = x * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - x * np.sin(angle)
    half = np.exp(rng.uniform(np.log(3.0), np.log(25.0), 2))
    wide, deep = ground.pixel(np.cos(angle), np.sin(angle)), ground.pixel(np.sin(angle), np.cos(angle))
    gain = float(rng.uniform(1.5, 5.0)) + climate.sun * float(rng.uniform(1, 7))
    paved = climate.ground + (gain if rng.random() < 0.7 else -0.7 * gain) + 0.35 * worn
    bay = float(rng.uniform(2.3, 5.0))
    paved += float(rng.uniform(-1.5, 0.5)) * _stripe(np.mod(along, bay) - 0.5 * bay, 0.08, wide)
    beyond = [
        (np.abs(along) - half[0]) / (0.01 + EDGE * wide),
        (np.abs(across) - half[1]) / (0.01 + EDGE * deep),
    ]
    inside = _inside(np.maximum(*beyond), 1.0)
    kelvin += 0.85 * inside * (paved - kelvin)


def _paint_road(rng: np.random.Generator, kelvin: np.ndarray, ground: Ground, climate: Climate) -> None:
    """A straight, smooth strip of asphalt with kerbs, wheel tracks and a broken line, at any angle."""
    angle = float(rng.uniform(-1.5, 1.5))
    centre = float(np.median(ground.away)) * float(rng.uniform(0.6, 1.1))
    away, right = ground.away - centre, ground.right - float(rng.uniform(-3, 3))
    across = away * np.cos(angle) + right * np.sin(angle)
    pixel = ground.pixel(np.sin(angle), np.cos(angle))
    along = right * np.cos(angle) - away * np.sin(angle)
    half = float(rng.uniform(1.0, 4.5))
    asphalt = climate.ground + float(rng.uniform(-1, 4)) + climate.sun * float(rng.uniform(-2, 6))
    inside = _inside(np.abs(across) - half, 0.01 + EDGE * pixel)
    kelvin += inside * (0.8 * (asphalt - kelvin))
    kelvin += _stripe(np.abs(across) - half, 0.1, pixel) * float(rng.uniform(-3, 3))
    kelvin += _stripe(across, 0.07, pixel) * (np.mod(along, 6) < 3) * float(rng.uniform(-2, 1))
    for track in (-0.45, 0.45):
        kelvin += inside * 0.5 * np.exp(-(((across - track * half) / 0.45) ** 2))


def _paint_patch(
    rng: np.random.Generator, kelvin: np.ndarray, ground: Ground, climate: Climate, *, ragged: np.ndarray
) -> None:
    """A puddle, a slab, a manhole, a place in the sun or one where a car stood; puddles have ragged rims."""
    row, column = int(rng.integers(kelvin.shape[0])), int(rng.integers(kelvin.shape[1]))
    x = ground.right - ground.right[row, column]
    z = ground.away - ground.away[row, column]
    radius = float(np.exp(rng.uniform(np.log(0.25), np.log(2.5))))
    stretch = float(rng.uniform(0.4, 1.0))
    step = float(rng.uniform(0.6, 2.5)) * (1 + climate.sun) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.4:  # a slab or a parking place has corners
        distance = np.maximum(np.abs(x), np.abs(z) / stretch) / radius
    else:
        distance = np.hypot(x, z / stretch) / radius + 0.2 * ragged
    soft = float(rng.uniform(0.04, 0.2)) + 0.5 * ground.footprint / radius
    kelvin += step * _inside(distance - 1, soft)


def _inside(distance: np.ndarray, soft: np.ndarray | float) -> np.ndarray:
    """1 where the distance to an edge is negative, 0 where positive, and between within about `soft`."""
    return 1 / (1 + np.exp(np.clip(distance / soft, -30, 30)))


def _stripe(across: np.ndarray, half: float, pixel: np.ndarray) -> np.ndarray:
    """A line 2 * half metres wide about across = 0; thinner than a pixel (metres), it fades instead."""
    seen = half + 0.4 * pixel
    return half / seen * np.exp(-((across / seen) ** 2))
