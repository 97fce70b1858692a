"""The decoded frames of a split, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, overload

import numpy as np

from detector.data.annotations import Annotations
from detector.data.colour import refusals
from detector.data.frames import gains_of, read_frame_of_size
from detector.data.loading.sample import RawSample
from detector.errors import UserError
from detector.thermal.agc import Agc
from detector.thermal.io.colour import ColourError, advice

MIB = 2**20

Prepared = tuple[np.ndarray, tuple[float, float]]
"""What Agc.prepare gives: counts [H, W] and the window of them that becomes 0 to 1."""


class Problems(NamedTuple):
    """What is wrong with a split's frames: a line by index, and a picture in colours, which ends the look."""

    lines: dict[int, str]
    coloured: ColourError | None


class FrameStore(Sequence[RawSample]):
    """The raw samples of a split, every frame decoded and prepared by its gain when the store is made.

    turn: (this process's number, how many there are) of processes that make the same store: of the frames
    that stay in no memory each looks at its share. gather: what all of them found, in every one.
    The gain sees one recording at a time: the records of one `sequence`; a record without is one of its own.
    Prepared counts stay in memory until `cache_mib` is used up; the other frames are read and prepared again
    when asked for, by the same gain. Loader workers that are forked share the memory. Raises UserError naming
    the files that cannot be read or prepared, or that differ in size from their record.
    """

    def __init__(
        self,
        annotations: Annotations,
        *,
        agc: Agc,
        cache_mib: float,
        turn: tuple[int, int] = (0, 1),
        gather: Callable[[Problems], list[Problems]] = lambda own: [own],
    ) -> None:
        self.records = annotations.table
        self.gains = gains_of(self.records, agc)
        self.cache: list[Prepared | None] = [None] * len(self.records)
        found = gather(self._look(cache_mib * MIB, turn))
        coloured = next((one.coloured for one in found if one.coloured is not None), None)
        if coloured is not None:
            # No picture of the set will do, and together they tell their palette better than one.
            refused = refusals(self.records) or [coloured]
            raise UserError(f"{coloured.path}: {advice(refused)}")
        lines = dict(sorted(line for one in found for line in one.lines.items()))
        if lines:
            rest = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
            raise UserError("; ".join(list(lines.values())[:3]) + rest)

    def _look(self, room: float, turn: tuple[int, int]) -> Problems:
        """Fill the cache up to `room` bytes, and look at this process's share of what is left."""
        number, processes = turn
        problems = Problems({}, None)
        full = False
        for index in range(len(self.records)):
            if full and index % processes != number:
                continue
            try:
                prepared = self._prepare(index)
            except ColourError as error:
                return problems._replace(coloured=error)
            except UserError as error:
                problems.lines[index] = str(error)
                continue
            if prepared[0].nbytes <= room:
                self.cache[index] = prepared
                room -= prepared[0].nbytes
            else:
                full = True
        return problems

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> RawSample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RawSample]: ...
    def __getitem__(self, index: int | slice) -> RawSample | Sequence[RawSample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        counts, window = self.cache[index] or self._prepare(index)
        # The rest of the record takes long to make, and nothing of it is asked for.
        boxes, labels, ignored = self.records.truth(index)
        (height, width), (full_width, full_height) = counts.shape, self.records.sizes[index].tolist()
        factors = np.array((width / full_width, height / full_height) * 2, np.float32)
        return RawSample(
            counts=counts,
            window=window,
            boxes=boxes * factors,  # a gain may show fewer pixels
            labels=labels,
            ignored=ignored,
            image_id=int(self.records.image_ids[index]),
        )

    @property
    def cached(self) -> int:
        """How many frames are held in memory."""
        return sum(prepared is not None for prepared in self.cache)

    def _prepare(self, index: int) -> Prepared:
        return self.gains[index].prepare(read_frame_of_size(self.records[index]))
