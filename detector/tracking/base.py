"""What every tracker is."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from detector.structures import Detections


class Tracks(Protocol):
    """The objects of one recording, followed from frame to frame."""

    def update(self, detections: Detections, shares: np.ndarray, *, seconds: float) -> Detections:
        """What counts in the next frame, best first, with the `tracks` it belongs to.

        detections: all of the frame, best first, weak ones too. shares: [N] the score of each over the
        threshold of its class; from 1 on it counts by itself. seconds: since the recording began, more than
        in the call before.
        """
        ...


class Tracker(Protocol):
    """How objects are followed: settings, which know nothing of any recording.

    weak: share of the threshold of its class below which a detection makes no difference, in [0, 1].
    """

    @property
    def weak(self) -> float: ...

    def start(self) -> Tracks:
        """For a new recording."""
        ...
