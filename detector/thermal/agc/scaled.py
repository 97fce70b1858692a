"""The gain of a network that sees frames at a share of their size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detector.structures import Frame
from detector.thermal.agc.base import Agc
from detector.thermal.resolution import resized, scaled_size


@dataclass(frozen=True)
class Scaled(Agc):
    """Another gain, of frames with `scale` times as many pixels along each side.

    A range that is one of a whole recording is that of the frames as they are. scale: above 0; with 0.25 a
    frame of 640x512 is shown with 160x128 pixels, as a camera of so many behind the same lens would give it.
    """

    gain: Agc
    scale: float

    def for_sequence(self, frames: Iterable[Frame]) -> Agc:
        return Scaled(self.gain.for_sequence(frames), self.scale)

    def prepare(self, frame: Frame) -> tuple[np.ndarray, tuple[float, float]]:
        return self.gain.prepare(resized(frame, scaled_size(frame.size, self.scale)))
