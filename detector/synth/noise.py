"""Fractal texture: what natural surfaces look like to a thermal camera between their edges."""

from __future__ import annotations

import cv2
import numpy as np


def fractal_tile(rng: np.random.Generator, *, size: int, slope: float) -> np.ndarray:
    """A tile [size, size] float32 that repeats seamlessly, zero mean, unit deviation.

    slope: of log power over log frequency, negative; 0 is white, about -2 cloud-like, -3 smooth.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * frequency ** (slope / 2)
    spectrum[0, 0] = 0.0
    tile = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(tile / tile.std(), dtype=np.float32)


def sample_tile(tile: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The tile read at real coordinates x, y (same shape, in tile pixels), bilinear, wrapping round.

    The 1 pixel of seam that bilinear reading needs is added here, so the tile itself stays periodic.
    """
    size = tile.shape[0]
    wrapped = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    inside = [np.asarray(v - size * np.floor(v / size), dtype=np.float32) for v in (x, y)]
    return cv2.remap(wrapped, inside[0], inside[1], cv2.INTER_LINEAR)
