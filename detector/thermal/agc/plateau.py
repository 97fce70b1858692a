"""Histogram equalisation with a plateau: range goes to the counts that many pixels have, within limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc.base import FULL, Agc, spread


@dataclass(frozen=True)
class PlateauEqualisation(Agc):
    """Each frame's counts spread by their own histogram, no bin of which weighs more than a plateau.

    Of L counts that occur in the frame, ascending, the k-th in h_k of the N pixels, the k-th becomes

        (g_2 + ... + g_k) / (g_2 + ... + g_L),    g_k = min(h_k, plateau),    plateau = limit N / L

    so the lowest is 0 and the highest 1 (Vickers, Plateau equalization algorithm for real-time display of
    high-quality infrared imagery, Optical Engineering 35(7), 1921-1926, 1996; there the plateau is given in
    pixels). limit: the plateau over the mean bin; inf is plain histogram equalisation, and from 0 to L / N
    the counts that occur are evenly spaced. min_levels: a frame with fewer distinct counts gets that much
    less of the range, about its middle, so that noise alone is not blown up to full contrast.
    Distinct counts stay distinct. Raises UserError unless limit >= 0 and min_levels >= 2.
    """

    limit: float
    min_levels: int

    def __post_init__(self) -> None:
        if not self.limit >= 0:
            raise UserError(f"agc plateau: limit must be at least 0, found {self.limit}")
        if not self.min_levels >= 2:
            raise UserError(f"agc plateau: min_levels must be at least 2, found {self.min_levels}")

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        histogram = np.bincount(frame.counts.ravel())
        levels = np.flatnonzero(histogram)
        table = np.zeros(len(histogram), np.uint16)
        table[levels] = _distinct(spread(self._values(histogram[levels])))
        return table[frame.counts], FULL

    def _values(self, occupied: np.ndarray) -> np.ndarray:
        """[L] in [0, 1], ascending, of the pixel numbers [L] of the counts that occur."""
        count = len(occupied)
        # Below one pixel all bins weigh alike; a plateau of 0 would weigh nothing.
        plateau = max(1.0, self.limit * occupied.sum() / count)
        weights = np.minimum(occupied, plateau)
        weights[0] = 0
        values = np.cumsum(weights) / max(1.0, weights.sum())
        share = min(1.0, (count - 1) / (self.min_levels - 1))
        return 0.5 + share * (values - 0.5)


def _distinct(values: np.ndarray) -> np.ndarray:
    """The nearest strictly ascending uint16 values above those given, which ascend; at most 65536 of them.

    Changes nothing unless a bin is worth less than a step of uint16: in frames of more than 65535 pixels.
    """
    steps = np.arange(len(values))
    ascending = np.maximum.accumulate(values - steps) + steps
    return np.minimum(ascending, FULL[1] - steps[::-1]).astype(np.uint16)
