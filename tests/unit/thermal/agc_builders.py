"""Frames for the tests of the gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.structures import Frame
from detector.thermal.agc import (
    BitDepthRange,
    FixedKelvin,
    FixedRange,
)
from tests.built import built


@dataclass(frozen=True)
class Hundredths:
    """0.01 K a count."""

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        return counts / 100.0

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        return kelvin * 100.0


OF_ONE_FRAME = [
    FixedRange(6000, 9000),
    FixedKelvin(60.0, 90.0, Hundredths()),
    BitDepthRange(),
    built("thermal/percentile", low=10, high=90),
    built("thermal/plateau"),
    built("thermal/clahe"),
]
"""One of every gain that needs no look at the recording."""


def frame_of(values: list[int] | np.ndarray, bits: int = 16) -> Frame:
    counts = np.asarray(values, np.uint8 if bits == 8 else np.uint16)
    return Frame(np.atleast_2d(counts), bits, "test")


def scene(seed: int = 0, size: tuple[int, int] = (24, 32)) -> Frame:
    """A 14-bit frame: a rising background with noise, a hot block and one dead pixel."""
    rng = np.random.default_rng(seed)
    counts = 7000 + 4 * np.arange(size[1]) + rng.integers(0, 40, size)
    counts[4:9, 6:12] += 900
    counts[0, 0] = 0
    return Frame(counts.astype(np.uint16), 14, "scene")
