"""Decoded frames kept in memory, and the torch data set over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from torch.utils.data import Dataset

from detector.data.annotations import Annotations, ImageRecord
from detector.data.sample import RawSample, Sample, Transform
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.agc import Agc

MIB = 2**20

# Keeps these random numbers apart from those of an epoch's order, which also follow seed and epoch.
SAMPLE_STREAM = 1


SampleKey = tuple[int, int, int]
"""(epoch, index, turn): turn counts from 0 how often the epoch has shown the picture already."""


class FrameStore(Sequence[RawSample]):
    """The raw samples of a split, every frame decoded once when it is made.

    Frames stay in memory, as counts, until `cache_mib` is used up; the others are read again when asked for.
    Loader workers that are forked share the memory. Raises UserError naming the files that cannot be read
    or that differ in size from their record.
    """

    def __init__(self, annotations: Annotations, *, agc: Agc, cache_mib: float) -> None:
        self.records = annotations.records
        self.windows: list[tuple[float, float]] = []
        self.cache: list[np.ndarray | None] = []
        room = cache_mib * MIB
        problems: list[str] = []
        for record in self.records:
            try:
                frame = _read(record)
            except UserError as error:
                problems.append(str(error))
                continue
            self.windows.append(agc.window(frame))
            keep = frame.counts.nbytes <= room
            self.cache.append(frame.counts if keep else None)
            room -= frame.counts.nbytes if keep else 0
        if problems:
            rest = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
            raise UserError("; ".join(problems[:3]) + rest)

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> RawSample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RawSample]: ...
    def __getitem__(self, index: int | slice) -> RawSample | Sequence[RawSample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        record, counts = self.records[index], self.cache[index]
        return RawSample(
            counts=_read(record).counts if counts is None else counts,
            window=self.windows[index],
            boxes=record.boxes,
            labels=record.labels,
            ignored=record.ignored,
            image_id=record.image_id,
        )

    @property
    def cached(self) -> int:
        """How many frames are held in memory."""
        return sum(counts is not None for counts in self.cache)


class DetectionDataset(Dataset[Sample]):
    """Samples by key.

    All randomness of a sample comes from the seed and its key, so it depends neither on the worker that
    makes it nor on what was made before. A bare index means the first turn of epoch 0.
    """

    def __init__(
        self,
        annotations: Annotations,
        *,
        agc: Agc,
        transform: Transform,
        cache_mib: float = 1024,
        seed: int = 0,
    ) -> None:
        self.annotations = annotations
        self.frames = FrameStore(annotations, agc=agc, cache_mib=cache_mib)
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: int | SampleKey) -> Sample:
        epoch, index, turn = key if isinstance(key, tuple) else (0, key, 0)
        rng = np.random.default_rng((SAMPLE_STREAM, self.seed, epoch, index, turn))
        return self.transform(self.frames, index, epoch=epoch, rng=rng)


def _read(record: ImageRecord) -> Frame:
    frame = io.read(record.path)
    if frame.size != (record.height, record.width):
        raise UserError(
            f"{record.path}: the picture is {frame.size[1]}x{frame.size[0]} but its annotation record "
            f"(image id {record.image_id}) says {record.width}x{record.height}"
        )
    return frame
