"""One pass over the frames of all splits: what the checks need to know of each, and nothing more kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from tqdm import tqdm

from detector.data.annotations import Annotations, ImageRecord
from detector.data.frames import read_frame
from detector.doctor.disorder import Disorder, disorder_of
from detector.doctor.hashing import dhash
from detector.doctor.pixels import PixelWatch
from detector.doctor.placement import Placement
from detector.doctor.thumbnails import Thumbnail, thumbnail
from detector.doctor.turned import TurnWatch
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.radiometry import Linear


@dataclass(frozen=True, eq=False)
class FrameFacts:
    """A frame in figures.

    size: (height, width) of the file. depth: bits of its number type, 8 or 16. low, high: its extreme counts;
    at_low, at_high: shares of pixels there. levels: how many different counts it has. hash: as `dhash` gives
    it, None for a frame of one level. thumbnail: to look at it again. time: when it was taken, where the file
    says so.
    """

    split: str
    record: ImageRecord
    size: tuple[int, int]
    depth: int
    low: int
    high: int
    at_low: float
    at_high: float
    levels: int
    hash: bytes | None
    thumbnail: Thumbnail
    time: datetime | None
    disorder: Disorder | None = None
    taken_for: str | None = None
    step: float | None = None


@dataclass(frozen=True, eq=False)
class Unreadable:
    """A frame that cannot be read, and why."""

    record: ImageRecord
    error: UserError


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass over all frames gives. pixels watches those of the commonest size, turns those turned."""

    frames: tuple[FrameFacts, ...]
    unreadable: tuple[Unreadable, ...]
    placements: Mapping[str, Placement]
    pixels: PixelWatch
    turns: TurnWatch

    def of(self, split: str) -> list[FrameFacts]:
        """The frames of one split that could be read, in order."""
        return [facts for facts in self.frames if facts.split == split]


def scan(splits: Mapping[str, Annotations]) -> Scan:
    """Read every frame of the splits once. Shows its progress on a terminal."""
    everything = [(split, record) for split, annotations in splits.items() for record in annotations.records]
    ((commonest, _),) = Counter((record.height, record.width) for _, record in everything).most_common(1)
    watch, turns = PixelWatch(*commonest), TurnWatch()
    placements = {split: Placement() for split in splits}
    frames: list[FrameFacts] = []
    unreadable: list[Unreadable] = []
    for split, record in tqdm(everything, desc="frames", disable=None, leave=False):
        try:
            frame = read_frame(record)
        except UserError as error:
            unreadable.append(Unreadable(record, error))
            continue
        frames.append(facts_of(frame, record, split))
        if frame.size == (record.height, record.width):
            placements[split].add(frame.counts, record.boxes[~record.ignored])
        if frame.orientation != 1:
            turns.add(frame, record)
        if frame.size == commonest:
            watch.add(frame.counts)
    return Scan(tuple(frames), tuple(unreadable), placements, watch, turns)


def facts_of(frame: Frame, record: ImageRecord, split: str) -> FrameFacts:
    """The figures of one frame."""
    histogram = np.bincount(frame.counts.ravel())
    seen = np.flatnonzero(histogram)
    low, high = int(seen[0]), int(seen[-1])
    return FrameFacts(
        split=split,
        record=record,
        size=frame.size,
        depth=8 * frame.counts.dtype.itemsize,
        low=low,
        high=high,
        at_low=float(histogram[low] / frame.counts.size),
        at_high=float(histogram[high] / frame.counts.size),
        levels=len(seen),
        hash=dhash(frame.counts) if len(seen) > 1 else None,
        thumbnail=thumbnail(frame.counts),
        time=frame.time,
        disorder=disorder_of(frame.counts),
        taken_for=frame.taken_for,
        step=frame.calibration.gain if isinstance(frame.calibration, Linear) else None,
    )
