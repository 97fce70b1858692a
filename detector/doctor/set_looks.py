"""Two sets of frames in the same figures, to see what one lacks of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detector.data.annotations import ImageRecord
from detector.data.frames import read_frame
from detector.data.looks import Looks, measure
from detector.doctor.boxes import BoxFacts, measure_boxes
from detector.doctor.findings import evenly_spaced
from detector.structures import Frame


@dataclass(frozen=True, eq=False)
class SetLooks:
    """A set: looks of the frames that were measured, figures of all its boxes, records to show."""

    name: str
    looks: Looks
    boxes: BoxFacts
    samples: tuple[ImageRecord, ...]


def look_at(name: str, records: Sequence[ImageRecord], *, frames: int, samples: int) -> SetLooks:
    """Measure at most `frames` evenly spaced frames and choose at most `samples` to show; both at least 1.

    Raises UserError where a frame cannot be read.
    """
    measured = [records[index] for index in evenly_spaced(len(records), frames)]
    return SetLooks(
        name,
        measure(_frames(measured)),
        measure_boxes(records),
        tuple(measured[index] for index in evenly_spaced(len(measured), samples)),
    )


def _frames(records: Sequence[ImageRecord]) -> Iterator[tuple[Frame, np.ndarray]]:
    for record in records:
        yield read_frame(record), record.boxes[~record.ignored]
