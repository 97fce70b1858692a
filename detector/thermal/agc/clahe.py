"""Contrast-limited adaptive histogram equalisation, for counts of any depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc.base import FULL, Agc, spread

BINS = 256
"""Most bins of a tile's histogram. A tile has about a thousand pixels: more bins would be mostly empty."""


@dataclass(frozen=True)
class Clahe(Agc):
    """Each part of a frame spread by its own histogram, with a limit to how steep that may get.

    base: the gain whose range is divided among the bins; what it clips stays clipped. rows, columns: tiles
    along each axis. limit: the most pixels of a bin over the mean bin; the rest is shared out evenly over all
    bins, so contrast is at most limit + 1 times that of `base`, which 0 gives unchanged. Between the tiles'
    centres their curves are blended linearly (Zuiderveld, Contrast limited adaptive histogram equalization,
    Graphics Gems IV, 474-485, 1994).

    Unlike there, a curve runs straight through each bin instead of being one step, so counts that share a
    bin do not become one. OpenCV's CLAHE is no use here: of 16-bit frames it makes 65536 bins, far more than
    a tile has pixels, and its limit then does nothing.
    Raises UserError unless limit >= 0 and rows and columns >= 1; in use, for frames with fewer pixels.
    """

    base: Agc
    limit: float
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if not self.limit >= 0:
            raise UserError(f"agc clahe: limit must be at least 0, found {self.limit}")
        if not (self.rows >= 1 and self.columns >= 1):
            raise UserError(
                f"agc clahe: rows and columns must be at least 1, found {self.rows} and {self.columns}"
            )

    def for_sequence(self, frames: Iterable[Frame]) -> Agc:
        return replace(self, base=self.base.for_sequence(frames))

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        height, width = frame.size
        if height < self.rows or width < self.columns:
            raise UserError(
                f"{frame.source}: {width}x{height} pixels make no {self.columns}x{self.rows} tiles: lower "
                "thermal.columns and thermal.rows"
            )
        counts, (low, high) = self.base.prepare(frame)
        bins = min(BINS, max(1, round(high - low)))
        # Where in the range each pixel lies, in bins: the bin and how far into it.
        place = np.clip((counts - low) * (bins / (high - low)), 0, bins)
        index = np.minimum(place.astype(np.intp), bins - 1)
        top, bottom, down = _neighbours(height, self.rows)
        left, right, across = _neighbours(width, self.columns)
        curves = self._curves(index, bins)
        values = np.zeros(frame.size)
        for row, y in ((top, 1 - down), (bottom, down)):
            for column, x in ((left, 1 - across), (right, across)):
                tile = row[:, None] * self.columns + column
                start = curves[tile, index]
                values += np.outer(y, x) * (start + (place - index) * (curves[tile, index + 1] - start))
        return spread(values), FULL

    def _curves(self, index: np.ndarray, bins: int) -> np.ndarray:
        """[tiles, bins + 1] from 0 to 1: what the edges of the bins become, of the bins [H, W] of a frame."""
        row, column = (
            np.repeat(np.arange(tiles), np.diff(_edges(side, tiles)))
            for side, tiles in zip(index.shape, (self.rows, self.columns), strict=True)
        )
        tile = row[:, None] * self.columns + column
        tiles = self.rows * self.columns
        histogram = np.bincount((tile * bins + index).ravel(), minlength=tiles * bins).reshape(tiles, bins)
        pixels = histogram.sum(1, keepdims=True)
        kept = np.minimum(histogram, self.limit * pixels / bins)
        shared = kept + (pixels - kept.sum(1, keepdims=True)) / bins
        return np.pad(np.cumsum(shared, 1) / pixels, ((0, 0), (1, 0)))


def _edges(side: int, tiles: int) -> np.ndarray:
    """[tiles + 1] where the tiles along an axis begin and end; as equal as whole pixels allow."""
    return np.arange(tiles + 1) * side // tiles


def _neighbours(side: int, tiles: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[side] of each pixel along an axis: the tile centres before and after it, and the latter's share."""
    edges = _edges(side, tiles)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    place = np.interp(np.arange(side), centres, np.arange(tiles))
    before = place.astype(np.intp)
    return before, np.minimum(before + 1, tiles - 1), place - before
