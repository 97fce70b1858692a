"""Frames and what is found in them, as NumPy arrays: the values that need no torch.

N is a flat count, H W a frame's size. Boxes are xyxy in pixels of the frame unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

IGNORE_LABEL = -1
"""Label of a region that belongs to no class: neither positive nor negative, whatever the class."""


class Calibration(Protocol):
    """How a camera's counts and temperatures belong together."""

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        """float64 temperatures of counts of any shape; NaN where a count means none."""
        ...

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        """float64 counts, not rounded, of temperatures of any shape; NaN where a temperature has none."""
        ...


@dataclass(frozen=True)
class Frame:
    """One thermal picture as the camera gave it.

    counts: [H, W] uint8 or uint16, raw sensor units.
    bit_depth: bits the counts really use (8, 14, 16), which bounds them.
    source: where it came from, for messages.
    time: when it was taken, where known; without a zone it is the camera's own clock.
    sequence: the recording it belongs to, where known.
    calibration: how its counts become kelvin, where known.
    orientation: of EXIF, 1 to 8, by which the counts were turned on reading.
    taken_for: the unit that its numbers were taken for by their values, where they were no counts and nobody
    said what they are (detector.thermal.io.temperatures).
    """

    counts: np.ndarray
    bit_depth: int
    source: str
    time: datetime | None = None
    sequence: str | None = None
    calibration: Calibration | None = None
    orientation: int = 1
    taken_for: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.counts.shape[0], self.counts.shape[1]

    def seconds_since(self, start: datetime | None) -> float | None:
        """From `start` to its time by the camera's own clock; None where one of them is not known.

        Zones are dropped: of one recording some pictures may tell theirs and others not.
        """
        if self.time is None or start is None:
            return None
        return (self.time.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds()


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be an object in each of B images, best first, doubles and all.

    boxes [B, K, 4] float32, scores [B, K] float32 in [0, 1], labels [B, K] int64.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


NO_TRACK = 0
"""Of a detection that belongs to no track."""


@dataclass(frozen=True, eq=False)
class Detections:
    """Found objects of one frame, best first.

    boxes [N, 4] float32, scores [N] float32 in [0, 1], labels [N] int64: index into the class names.
    tracks [N] int64: the object's number in its recording, from 1, NO_TRACK where it has none; None where
    nobody follows objects.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    tracks: np.ndarray | None = None

    def keep(self, chosen: np.ndarray) -> Detections:
        """Those that a mask [N] bool or an index names."""
        tracks = None if self.tracks is None else self.tracks[chosen]
        return Detections(self.boxes[chosen], self.scores[chosen], self.labels[chosen], tracks)
