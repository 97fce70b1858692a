"""What every gain is: from a frame's counts to float32 in [0, 1]."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np

from detector.structures import Frame

FULL = (0, 65535)
"""The window of counts that a gain has spread over all of uint16 itself."""


class Agc(ABC):
    """Chooses how counts are spread over [0, 1]; settings only, so the same frame always looks the same.

    One object, built from the configuration a checkpoint carries, serves training, evaluation, prediction
    and export.
    """

    def for_sequence(self, frames: Iterable[Frame]) -> Agc:  # noqa: ARG002 (for the gains that look)
        """The gain of one recording: this one, unless its range comes from all frames of a recording.

        A gain that needs no look at `frames` does not iterate over them, so they may be read lazily.
        """
        return self

    @abstractmethod
    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        """(counts, (low, high)): [H, W] uint8 or uint16, and which of them become 0 and 1; low < high.

        The counts are the frame's own, or remapped by the gain. They stay integers, so that a frame kept in
        memory is small and only the part a training patch needs becomes floats.
        """
        ...

    def __call__(self, frame: Frame) -> np.ndarray:
        """[H, W] float32 in [0, 1]."""
        return normalise(*self.prepare(frame))


def normalise(counts: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """clip((counts - low) / (high - low), 0, 1) as float32, of any part of a frame."""
    low, high = window
    image = np.subtract(counts, np.float32(low), dtype=np.float32)
    image *= np.float32(1.0 / (high - low))
    return np.clip(image, 0.0, 1.0, out=image)


def spread(values: np.ndarray) -> np.ndarray:
    """uint16 of values in [0, 1], spread over FULL."""
    return np.rint(np.clip(values, 0.0, 1.0) * FULL[1]).astype(np.uint16)
