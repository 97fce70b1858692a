"""What prediction gives of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detector.inference.temperature import Temperature, temperatures
from detector.structures import NO_TRACK, Detections, Frame


@dataclass(frozen=True, eq=False)
class Prediction:
    """A frame and what was found in it, best first.

    image: [h, w] float32 in [0, 1], the frame after gain, with as many pixels as the network saw. classes:
    names by label.
    """

    frame: Frame
    image: np.ndarray
    detections: Detections
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """How many objects were found."""
        return len(self.detections.scores)

    @property
    def boxes(self) -> np.ndarray:
        """[N, 4] float32: left, top, right, bottom in pixels of the frame."""
        return self.detections.boxes

    @property
    def labels(self) -> np.ndarray:
        """[N] int64: index into classes."""
        return self.detections.labels

    @property
    def names(self) -> list[str]:
        """The class of each object."""
        return [self.classes[label] for label in self.labels.tolist()]

    @property
    def scores(self) -> np.ndarray:
        """[N] float32 in [0, 1]."""
        return self.detections.scores

    @property
    def tracks(self) -> list[int | None]:
        """The number of each object in its recording; None where it has none or nobody follows objects."""
        if self.detections.tracks is None:
            return [None] * len(self)
        return [track if track != NO_TRACK else None for track in self.detections.tracks.tolist()]

    @cached_property  # every sink asks
    def temperatures(self) -> list[Temperature | None]:
        """Kelvin in each box; None where the frame is not calibrated."""
        return temperatures(self.frame, self.boxes.tolist())
