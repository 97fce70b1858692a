"""Automatic gain: from counts to float32 in [0, 1]. One object serves training, evaluation and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from detector.errors import UserError
from detector.structures import Frame


class Agc(Protocol):
    """Chooses the range of counts that is spread over [0, 1]."""

    def window(self, frame: Frame) -> tuple[float, float]:
        """(low, high) in counts, low < high: what becomes 0 and 1."""
        ...

    def __call__(self, frame: Frame) -> np.ndarray:
        """[H, W] float32 in [0, 1]."""
        ...


def normalise(counts: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """clip((counts - low) / (high - low), 0, 1) as float32, of any part of a frame."""
    low, high = window
    image = np.subtract(counts, np.float32(low), dtype=np.float32)
    image *= np.float32(1.0 / (high - low))
    return np.clip(image, 0.0, 1.0, out=image)


@dataclass(frozen=True)
class FixedRange:
    """The same range for every frame: nothing flickers, and one temperature keeps one value.

    low, high: counts that become 0 and 1. Raises UserError unless low < high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UserError(f"agc range: low must be below high, found low={self.low} high={self.high}")

    def window(self, frame: Frame) -> tuple[float, float]:  # noqa: ARG002 (the protocol's signature)
        return float(self.low), float(self.high)

    def __call__(self, frame: Frame) -> np.ndarray:
        return normalise(frame.counts, self.window(frame))


@dataclass(frozen=True)
class BitDepthRange:
    """All the counts the frame's bits can hold, 0 to 2^bits - 1: for 8-bit frames the camera has gained."""

    def window(self, frame: Frame) -> tuple[float, float]:
        return 0.0, float(2**frame.bit_depth - 1)

    def __call__(self, frame: Frame) -> np.ndarray:
        return normalise(frame.counts, self.window(frame))


@dataclass(frozen=True)
class Percentile:
    """Each frame's own range, between two percentiles of its counts (linear, as numpy.percentile).

    low, high: percentiles in [0, 100]. min_span: the narrowest range in counts; a flatter frame gets this
    range about its middle, so that a wall's noise is not blown up to full contrast.
    Raises UserError unless 0 <= low < high <= 100 and min_span > 0.
    """

    low: float = 1.0
    high: float = 99.0
    min_span: float = 16.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise UserError(f"agc percentiles: need 0 <= low < high <= 100, found {self.low} and {self.high}")
        if not self.min_span > 0:
            raise UserError(f"agc min_span: must be above 0 counts, found {self.min_span}")

    def window(self, frame: Frame) -> tuple[float, float]:
        low, high = _percentiles(frame.counts, (self.low, self.high))
        if high - low < self.min_span:
            middle = (low + high) / 2
            return middle - self.min_span / 2, middle + self.min_span / 2
        return low, high

    def __call__(self, frame: Frame) -> np.ndarray:
        return normalise(frame.counts, self.window(frame))


def _percentiles(counts: np.ndarray, percents: tuple[float, float]) -> list[float]:
    """Linear percentiles of integer counts from their histogram: no sort, one pass."""
    below = np.cumsum(np.bincount(counts.ravel()))  # below[c]: how many pixels are <= c
    values = []
    for percent in percents:
        rank = (counts.size - 1) * percent / 100
        first = int(rank)
        left, right = np.searchsorted(below, (first, min(first + 1, counts.size - 1)), side="right")
        values.append(float(left + (right - left) * (rank - first)))
    return values
