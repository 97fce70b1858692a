"""Counts whose bytes were taken in another order than they were written: a picture of noise comes out."""

from __future__ import annotations

from enum import Enum

import numpy as np

_ROUGHER = 2.0
"""How many times rougher a picture is with its bytes in the wrong order: noise against a scene."""
_HIGH_BYTES = 32
"""A scene spans few: 32 of them are 8,192 counts."""


class Disorder(Enum):
    """What is wrong, in words that follow a number of frames."""

    SWAPPED = "have the two bytes of each count in the wrong order"
    HALVES = "are of 32-bit numbers read as twice as many of 16 bits: every other one is 0"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self is Disorder.SWAPPED:
            return "write them again with counts.byteswap(), or say at export that they are big endian"
        return "save them as 16-bit counts: numbers.astype('uint16') where they fit"


def disorder_of(counts: np.ndarray) -> Disorder | None:
    """Of a frame [H, W]; None for 8-bit ones and for those that look right."""
    if counts.dtype != np.uint16 or counts.size < 2:
        return None
    first, second = counts.ravel()[0::2], counts.ravel()[1::2]
    if min(first.max(), second.max()) == 0 and max(first.min(), second.min()) > 0:
        return Disorder.HALVES
    return Disorder.SWAPPED if _is_swapped(counts) else None


def _is_swapped(counts: np.ndarray) -> bool:
    """Whether its low bytes are a scene's high ones, or it is noise and with its bytes swapped a scene.

    The first tells where a scene spans few counts; pictures of 8 bits shifted up have low bytes of 0.
    """
    low = np.unique(counts & 0xFF)
    few = len(low) <= _HIGH_BYTES and int(low[-1]) - int(low[0]) == len(low) - 1 and low[0] > 0
    if few and len(np.unique(counts >> 8)) > 4 * len(low):
        return True
    return _roughness(counts) > _ROUGHER * _roughness(counts.byteswap())


def _roughness(counts: np.ndarray) -> float:
    """The mean step between neighbours over the deviation: above 1 for noise, far below for a scene."""
    values = counts.astype(np.float32)
    spread = float(values.std())
    return (
        float(np.abs(np.diff(values, axis=1)).mean()) / spread if spread > 0 and counts.shape[1] > 1 else 0.0
    )
