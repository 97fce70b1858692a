"""The temperatures a box encloses, where the camera is calibrated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.structures import Frame


@dataclass(frozen=True)
class Temperature:
    """Kelvin over the pixels of a box: least, mean and greatest.

    A box holds background too, so the mean is not the object's; of a warm object on cold ground read `high`.
    """

    low: float
    mean: float
    high: float


def temperatures(frame: Frame, boxes: Sequence[Sequence[float]]) -> list[Temperature | None]:
    """One for each box (xyxy in pixels of the frame), from the pixels whose centres it holds.

    Of a box that holds no centre, the pixel it lies in. None for a frame without calibration, and where every
    count in the box means no temperature.
    """
    if frame.calibration is None:
        return [None] * len(boxes)
    return [_measure(frame.calibration.to_kelvin(_inside(frame.counts, box))) for box in boxes]


def _inside(counts: np.ndarray, box: Sequence[float]) -> np.ndarray:
    left, top, right, bottom = box
    height, width = counts.shape
    return counts[_pixels(top, bottom, height), _pixels(left, right, width)]


def _pixels(low: float, high: float, size: int) -> slice:
    """The pixels whose centres, at k + 1/2, lie in [low, high); the one in the middle where none does."""
    first, end = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= end:
        first = math.floor((low + high) / 2)
        end = first + 1
    first = min(max(first, 0), size - 1)
    return slice(first, min(max(end, first + 1), size))


def _measure(kelvin: np.ndarray) -> Temperature | None:
    known = kelvin[np.isfinite(kelvin)]
    return Temperature(float(known.min()), float(known.mean()), float(known.max())) if known.size else None
