"""Gains that spread a range of counts or of temperatures evenly over [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detector.errors import UserError
from detector.structures import Calibration, Frame
from detector.thermal.agc.base import FULL, Agc, spread


@dataclass(frozen=True)
class FixedRange(Agc):
    """The same range for every frame: nothing flickers, and one count keeps one value.

    low, high: counts that become 0 and 1. Raises UserError unless low < high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UserError(f"agc range: low must be below high, found low={self.low} high={self.high}")

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        return frame.counts, (float(self.low), float(self.high))


@dataclass(frozen=True)
class FixedKelvin(Agc):
    """The same range of temperatures for every frame: one temperature keeps one value, whatever the camera.

    low, high: kelvin that become 0 and 1, linear in between even where the camera's counts are not.
    calibration: of frames that carry none of their own.
    Raises UserError unless 0 < low < high; in use, for a frame without any calibration, and for one whose
    calibration has no counts for low or high.
    """

    low: float
    high: float
    calibration: Calibration | None

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise UserError(
                f"agc range in kelvin: need 0 < low < high, found low={self.low} high={self.high} "
                "(0 °C is 273.15 K)"
            )

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        calibration = self.calibration if frame.calibration is None else frame.calibration
        if calibration is None:
            raise UserError(
                f"{frame.source}: says nothing of how its counts become kelvin: give thermal.calibration, "
                "or a gain in counts (thermal=percentile, sequence, fixed)"
            )
        ends = calibration.to_counts(np.array((self.low, self.high), np.float64))
        if not np.isfinite(ends).all() or ends[0] == ends[1]:
            raise UserError(
                f"{frame.source}: its calibration has no range of counts for {self.low} to {self.high} K "
                f"({ends[0]:g} to {ends[1]:g}): check it, or thermal.low and thermal.high"
            )
        # Clipped first: far outside the range a calibration may know no temperature. Counts may also fall
        # with temperature.
        kelvin = calibration.to_kelvin(np.clip(frame.counts.astype(np.float64), ends.min(), ends.max()))
        return spread((kelvin - self.low) / (self.high - self.low)), FULL


@dataclass(frozen=True)
class BitDepthRange(Agc):
    """All the counts the frame's bits can hold, 0 to 2^bits - 1: for 8-bit frames the camera has gained."""

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        return frame.counts, (0.0, float(2**frame.bit_depth - 1))


@dataclass(frozen=True)
class Percentile(Agc):
    """Each frame's own range, between two percentiles of its counts (linear, as numpy.percentile).

    low, high: percentiles in [0, 100]. min_span: the narrowest range in counts; a flatter frame gets this
    range about its middle, so that a wall's noise is not blown up to full contrast.
    Raises UserError unless 0 <= low < high <= 100 and min_span > 0.
    """

    low: float
    high: float
    min_span: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise UserError(f"agc percentiles: need 0 <= low < high <= 100, found {self.low} and {self.high}")
        if not self.min_span > 0:
            raise UserError(f"agc min_span: must be above 0 counts, found {self.min_span}")

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        least = frame.counts.min()  # of 16 bits most counts lie far from 0: a short histogram is quick
        return frame.counts, self.window(np.bincount((frame.counts - least).ravel()), least=int(least))

    def window(self, histogram: np.ndarray, *, least: int = 0) -> tuple[float, float]:
        """(low, high) in counts; histogram: how many of at least one pixel have each count from `least`."""
        low, high = _percentiles(histogram, (self.low, self.high), least=least)
        if high - low < self.min_span:
            middle = (low + high) / 2
            return middle - self.min_span / 2, middle + self.min_span / 2
        return low, high


@dataclass(frozen=True)
class SequenceRange(Agc):
    """One range for each recording, between two percentiles of the counts of all its frames.

    It has to be told the recording by `for_sequence`, which gives the FixedRange to use for its frames.
    low, high, min_span and the errors: as for Percentile.
    """

    low: float
    high: float
    min_span: float

    def __post_init__(self) -> None:
        self._limits()

    def for_sequence(self, frames: Iterable[Frame]) -> Agc:
        """The fixed range of one recording; keeps a histogram of the frames and none of them.

        No frames make no range: the gain stays as it is.
        """
        total = np.zeros(2**16, np.int64)
        for frame in frames:
            histogram = np.bincount(frame.counts.ravel())
            total[: len(histogram)] += histogram
        return FixedRange(*self._limits().window(total)) if total.any() else self

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        raise RuntimeError(f"{frame.source}: a range per recording needs for_sequence(frames) first")

    def _limits(self) -> Percentile:
        return Percentile(self.low, self.high, self.min_span)


def _percentiles(histogram: np.ndarray, percents: tuple[float, float], *, least: int) -> list[float]:
    """Linear percentiles of integer counts from their histogram, which begins at `least`: no sort."""
    below = np.cumsum(histogram)  # below[c]: how many pixels are <= least + c
    last = int(below[-1]) - 1
    values = []
    for percent in percents:
        rank = last * percent / 100
        first = int(rank)
        left, right = np.searchsorted(below, (first, min(first + 1, last)), side="right")
        values.append(float(least + left + (right - left) * (rank - first)))
    return values
