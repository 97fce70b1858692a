"""One picture with its truth, before and after augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from detector.thermal.agc import normalise


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture as the network sees it.

    image [H, W] float32 in [0, 1]; boxes [N, 4] float32 xyxy in pixels of the image; labels [N] int64;
    ignored [N] bool; image_id: of the picture it was made from (of the first one for a mosaic).
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray
    image_id: int


@dataclass(frozen=True, eq=False)
class RawSample:
    """A frame prepared by its gain, and its truth; only the part asked for becomes floats.

    counts [H, W] uint8 or uint16 and window, (low, high) of them that become 0 and 1: see Agc.prepare; the
    rest as in Sample.
    """

    counts: np.ndarray
    window: tuple[float, float]
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray
    image_id: int

    def image(self, rows: slice = slice(None), columns: slice = slice(None)) -> np.ndarray:
        """[rows, columns] float32 in [0, 1] after gain."""
        return normalise(self.counts[rows, columns], self.window)


class Transform(Protocol):
    """Makes the sample of one index out of the raw ones (of several of them for a mosaic)."""

    def __call__(
        self, frames: Sequence[RawSample], index: int, *, epoch: int, rng: np.random.Generator
    ) -> Sample:
        """Every random choice is drawn from rng, so the same arguments give the same sample."""
        ...
