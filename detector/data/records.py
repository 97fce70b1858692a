"""Pictures and their truth as arrays: what a split of hundreds of thousands of frames is held in.

A tuple of ImageRecord takes a dozen Python objects for each frame; they cost memory, and every touch of one
changes its reference count, so that each forked loader worker soon has a copy of all of them. Arrays take
what their numbers take, and workers share them for good. A record is made when it is asked for.

Letters: N pictures, B boxes, M stored boxes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np

from detector.structures import IGNORE_LABEL
from detector.thermal.io.colour import REFUSE


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One picture and its truth.

    boxes [N, 4] float32: xyxy in pixels of the file, inside the frame, each with an area above zero.
    labels [N] int64: index into Annotations.classes, or IGNORE_LABEL where no class is meant.
    ignored [N] bool: a region to leave out of loss and evaluation, not an object.
    sequence: the recording the frame belongs to, where known; frames of one recording resemble each other,
    so splits must keep it whole.
    stored [M, 4] float64: the boxes as the files have them, before clipping and dropping; None where they are
    not kept.
    colour: how the picture is read where it is in false colours, of detector.thermal.io.colour.WAYS.
    unit: what its numbers mean where they are no counts, of detector.thermal.io.temperatures.UNITS; None: by
    their values.
    names: other ids that results of other programs may call the picture by: words, or those of its copies.
    """

    image_id: int
    path: Path
    width: int
    height: int
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray
    sequence: str | None
    stored: np.ndarray | None = None
    colour: str = REFUSE
    unit: str | None = None
    names: tuple[str, ...] = ()

    @property
    def real(self) -> np.ndarray:
        """[N] bool: objects that count, not regions to ignore."""
        return ~self.ignored & (self.labels != IGNORE_LABEL)


class Texts(Sequence[str]):
    """N texts in one: two objects, however many there are. Undecodable bytes of paths are kept."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [os.fsencode(text) for text in texts]
        self._bytes = b"".join(parts)
        self._cuts = cuts_of(np.fromiter(map(len, parts), np.int64, len(parts)))

    def __len__(self) -> int:
        return len(self._cuts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return os.fsdecode(self._bytes[self._cuts[index] : self._cuts[index + 1]])

    def __iter__(self) -> Iterator[str]:
        start = 0
        for stop in self._cuts[1:].tolist():
            yield os.fsdecode(self._bytes[start:stop])
            start = stop


class Words(Sequence["str | None"]):
    """N values of which many are the same: a code for each, and the few words; None has a code of its own."""

    def __init__(self, codes: np.ndarray, words: Sequence[str]) -> None:
        self.codes = codes
        self.words = words

    @classmethod
    def of(cls, values: Iterable[str | None]) -> Words:
        """The same values."""
        known: dict[str | None, int] = {None: -1}
        codes = np.array([known.setdefault(value, len(known) - 1) for value in values], np.int32)
        return cls(codes, Texts(word for word in known if word is not None))

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str | None]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str | None] | None:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        code = int(self.codes[index])
        return None if code < 0 else self.words[code]


@dataclass(frozen=True, eq=False)
class Records(Sequence[ImageRecord]):
    """N pictures; the fields are those of ImageRecord, one after the other.

    sizes [N, 2] int32: width and height. boxes [B, 4], labels [B], ignored [B]; of picture i those from
    cuts[i] to cuts[i + 1]. stored [M, 4], cut by stored_cuts, of the pictures that are kept ([N] bool).
    names: each picture's, a line for each.
    """

    image_ids: np.ndarray
    paths: Sequence[str]
    sizes: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray
    cuts: np.ndarray
    sequences: Words
    stored: np.ndarray
    stored_cuts: np.ndarray
    kept: np.ndarray
    colours: Words
    units: Words
    names: Sequence[str]

    @classmethod
    def of(cls, records: Iterable[ImageRecord]) -> Records:
        """The same records as arrays, lossless but for the types of their arrays, which become those told."""
        every = list(records)
        stored = [np.zeros((0, 4)) if one.stored is None else one.stored for one in every]
        return cls(
            image_ids=np.array([one.image_id for one in every], np.int64),
            paths=Texts(str(one.path) for one in every),
            sizes=np.array([(one.width, one.height) for one in every], np.int32).reshape(-1, 2),
            boxes=_joined([one.boxes for one in every], np.zeros((0, 4), np.float32)),
            labels=_joined([one.labels for one in every], np.zeros(0, np.int64)),
            ignored=_joined([one.ignored for one in every], np.zeros(0, bool)),
            cuts=cuts_of(np.array([len(one.labels) for one in every], np.int64)),
            sequences=Words.of(one.sequence for one in every),
            stored=_joined(stored, np.zeros((0, 4))),
            stored_cuts=cuts_of(np.array([len(own) for own in stored], np.int64)),
            kept=np.array([one.stored is not None for one in every], bool),
            colours=Words.of(one.colour for one in every),
            units=Words.of(one.unit for one in every),
            names=Texts("\n".join(one.names) for one in every),
        )

    def __len__(self) -> int:
        return len(self.image_ids)

    @overload
    def __getitem__(self, index: int) -> ImageRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ImageRecord]: ...
    def __getitem__(self, index: int | slice) -> ImageRecord | Sequence[ImageRecord]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index}: there are {len(self)} records")
        index %= len(self)
        boxes, labels, ignored = self.truth(index)
        stored = self.stored[self.stored_cuts[index] : self.stored_cuts[index + 1]]
        names = self.names[index]
        width, height = self.sizes[index].tolist()
        return ImageRecord(
            image_id=int(self.image_ids[index]),
            path=Path(self.paths[index]),
            width=width,
            height=height,
            boxes=boxes,
            labels=labels,
            ignored=ignored,
            sequence=self.sequences[index],
            stored=stored if self.kept[index] else None,
            colour=self.colours[index] or REFUSE,
            unit=self.units[index],
            names=tuple(names.split("\n")) if names else (),
        )

    def truth(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """boxes [N, 4], labels [N] and ignored [N] of one picture, by its index from 0."""
        own = slice(self.cuts[index], self.cuts[index + 1])
        return self.boxes[own], self.labels[own], self.ignored[own]

    def __iter__(self) -> Iterator[ImageRecord]:
        return map(self.__getitem__, range(len(self)))

    @property
    def images(self) -> np.ndarray:
        """[B] the picture of each box."""
        return np.repeat(np.arange(len(self)), np.diff(self.cuts))

    @property
    def real(self) -> np.ndarray:
        """[B] bool: as ImageRecord.real."""
        return ~self.ignored & (self.labels != IGNORE_LABEL)

    def read_as(self, *, colour: str | None = None, unit: str | None = None) -> Records:
        """The same pictures, to be read in another way; None leaves that as it is."""
        constant = partial(_constant, len(self))
        return replace(
            self,
            colours=self.colours if colour is None else constant(colour),
            units=self.units if unit is None else constant(unit),
        )

    def take(self, indices: np.ndarray) -> Records:
        """The pictures at these indices, in their order."""
        indices = np.asarray(indices, np.int64)
        boxes, cuts = _taken(self.cuts, indices)
        stored, stored_cuts = _taken(self.stored_cuts, indices)
        return Records(
            image_ids=self.image_ids[indices],
            paths=Texts(map(self.paths.__getitem__, indices.tolist())),
            sizes=self.sizes[indices],
            boxes=self.boxes[boxes],
            labels=self.labels[boxes],
            ignored=self.ignored[boxes],
            cuts=cuts,
            sequences=Words(self.sequences.codes[indices], self.sequences.words),
            stored=self.stored[stored],
            stored_cuts=stored_cuts,
            kept=self.kept[indices],
            colours=Words(self.colours.codes[indices], self.colours.words),
            units=Words(self.units.codes[indices], self.units.words),
            names=Texts(map(self.names.__getitem__, indices.tolist())),
        )


def cuts_of(counts: np.ndarray) -> np.ndarray:
    """[N + 1] where each of N stretches of these lengths begins, and where the last ends."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))


def _constant(count: int, word: str) -> Words:
    return Words(np.zeros(count, np.int32), (word,))


def _taken(cuts: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the stretches at these indices, and their own cuts."""
    counts = np.diff(cuts)[indices]
    own = cuts_of(counts)
    return np.arange(own[-1]) + np.repeat(cuts[indices] - own[:-1], counts), own


def _joined(parts: list[np.ndarray], nothing: np.ndarray) -> np.ndarray:
    return np.concatenate([*parts, nothing]).astype(nothing.dtype, copy=False).reshape(-1, *nothing.shape[1:])
