"""Pixels, columns and rows that do not see: stuck or always beside what their neighbours see."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from detector.doctor.findings import Finding, Severity, listed, percent
from detector.doctor.limits import Limits

_DEVIATIONS = 6.0  # of the noise, how far beside its neighbours a pixel must lie to outlie
_LISTED = 200  # pixels named
_LINE = 0.5  # share of a line's pixels that must be bad for the line to be bad


@dataclass(frozen=True, eq=False)
class BadPixels:
    """frames: how many were seen. stuck [H, W] bool: the same count in all of them. outlying [H, W] bool:
    always far above or always far below the neighbours. bad is either.
    """

    frames: int
    stuck: np.ndarray
    outlying: np.ndarray

    @property
    def bad(self) -> np.ndarray:
        return self.stuck | self.outlying

    @property
    def columns(self) -> list[int]:
        """Columns of which at least half the pixels are bad."""
        return [int(x) for x in np.flatnonzero(self.bad.mean(axis=0) >= _LINE)]

    @property
    def rows(self) -> list[int]:
        """Rows of which at least half the pixels are bad."""
        return [int(y) for y in np.flatnonzero(self.bad.mean(axis=1) >= _LINE)]


class PixelWatch:
    """Watches every pixel over frames of one size, in a memory that does not grow with them."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.frames = 0
        self._low = np.full(self.size, np.iinfo(np.uint16).max, np.uint16)
        self._high = np.zeros(self.size, np.uint16)
        self._above = np.zeros(self.size, np.uint32)
        self._below = np.zeros(self.size, np.uint32)

    def add(self, counts: np.ndarray) -> None:
        """Take in a frame [height, width] uint8 or uint16."""
        self.frames += 1
        np.minimum(self._low, counts, out=self._low)
        np.maximum(self._high, counts, out=self._high)
        above, below, deviation = _beside(counts)
        self._above += above > _DEVIATIONS * deviation
        self._below += below > _DEVIATIONS * deviation

    def judge(self, share: float) -> BadPixels:
        """share: of the frames, in which a pixel must outlie to be bad."""
        most = np.maximum(self._above, self._below)
        return BadPixels(self.frames, self._low == self._high, most >= max(1.0, share * self.frames))


def check_pixels(watch: PixelWatch, limits: Limits) -> list[Finding]:
    """A finding where pixels are bad, a note where there are too few frames to tell."""
    if watch.frames < limits.pixel_frames:
        message = f"{watch.frames} frames of one size are too few to find dead pixels"
        return [Finding(Severity.NOTE, "dead pixels", message)]
    found = watch.judge(limits.bad_pixel)
    if not found.bad.any():
        return []
    height, width = watch.size
    lines = [f"column {x}" for x in found.columns] + [f"row {y}" for y in found.rows]
    where = f", among them {listed(lines, 5)}" if lines else ""
    ys, xs = np.nonzero(found.bad)
    pixels = [f"x {x}, y {y}" for x, y in zip(xs[:_LISTED], ys[:_LISTED], strict=True)]
    message = (
        f"{len(xs)} pixels of {width}x{height} ({percent(len(xs) / found.bad.size)}){where}: "
        f"{int(found.stuck.sum())} never change in {watch.frames} frames, {int(found.outlying.sum())} always "
        "outlie their neighbours"
    )
    return [
        Finding(
            Severity.WARNING,
            "dead pixels",
            message,
            "replace them by their neighbours before training, or crop an overlay or border away",
            (*lines, *pixels),
        )
    ]


def _beside(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """How far [H, W] each pixel lies above and below both its neighbours in a direction, and the noise.

    Of the two directions the one counts in which it lies farther out, so a single pixel, a column and a row
    all lie beside their neighbours, but the edge and the corner of an object do not.
    """
    padded = cv2.copyMakeBorder(counts, 1, 1, 1, 1, cv2.BORDER_REFLECT_101).astype(np.int32)
    here = padded[1:-1, 1:-1]
    across = padded[1:-1, :-2], padded[1:-1, 2:]
    along = padded[:-2, 1:-1], padded[2:, 1:-1]
    above = here - np.minimum(np.maximum(*across), np.maximum(*along))
    below = np.maximum(np.minimum(*across), np.minimum(*along)) - here
    steps = np.cumsum(np.bincount(np.abs(here - across[0]).ravel()))  # a median without a sort
    # Normal noise with that median step between neighbours; whole counts are no finer than 1.
    deviation = 1.4826 * float(np.searchsorted(steps, counts.size / 2)) / np.sqrt(2)
    return above, below, max(1.0, deviation)
