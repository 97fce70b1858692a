"""Splits for a set that has none: by recording where recordings are known, or else by blocks of frames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from detector.data.annotations import Annotations
from detector.data.auto.roles import ROLES
from detector.data.readers.lookup import source_stem
from detector.data.splits import select, share_out
from detector.data.writers.output import names_from_common_folder
from detector.errors import UserError
from detector.thermal.io.opening import natural

SHARES = (0.7, 0.15, 0.15)
SEED = 0
BLOCKS = 20
LEAST = 1 / 3
"""Of its share that every split must get: recordings that are too few or too unequal make no sound splits."""
FRAMES_PER_RECORDING = 2
"""On average at least, for the beginnings of names to be taken for recordings."""

_FRAME_NUMBER = re.compile(r"(.*?)(?:[ _.-]+(?:frame|img|f))?[ _.-]*[0-9]+", re.IGNORECASE)


def shared_out(annotations: Annotations, root: Path) -> tuple[dict[str, Annotations], str]:
    """train, val and test, and in words how they were made; the same for the same frames and truth.

    Recordings found in names are noted in the records. Raises UserError for fewer frames than splits.
    """
    frames = len(annotations.records)
    if frames < len(SHARES):
        raise UserError(f"{root}: {frames} labelled frames are too few for train, val and test: label more")
    annotations, how = _with_recordings(annotations)
    found = {record.sequence for record in annotations.records}
    recordings = found - {None}
    if None not in found and len(recordings) >= len(SHARES):
        parts = share_out(annotations, SHARES, seed=SEED)
        if all(len(part) >= LEAST * share * frames for part, share in zip(parts, SHARES, strict=True)):
            splits = _named(annotations, parts)
            whole = f"{frames} frames of {len(recordings)} recordings ({how})"
            return splits, f"no splits there: {whole} shared out: {_told(splits, recordings=True)}"
    groups = _blocks(annotations)
    splits = _named(annotations, share_out(annotations, SHARES, seed=SEED, groups=groups))
    known = f"{len(recordings)} recordings ({how})" if recordings else "no recordings"
    return splits, (
        f"no splits there, and {known} to go by: {frames} frames shared out in {len(set(groups))} blocks of "
        f"consecutive frames: {_told(splits, recordings=False)}; frames next to training frames are judged, "
        "so the figures are too optimistic"
    )


def _with_recordings(annotations: Annotations) -> tuple[Annotations, str]:
    """With recordings that the names tell, if the set tells none and they clearly number frames; and how."""
    records = annotations.records
    if all(record.sequence is not None for record in records):
        return annotations, "as the set tells"
    names = names_from_common_folder([record.path for record in records])
    starts = [_start(name) for name in names]
    count = len(set(starts))
    if None in starts or count < 2 or len(records) < FRAMES_PER_RECORDING * count:
        return annotations, "as the set tells"
    named = tuple(replace(record, sequence=start) for record, start in zip(records, starts, strict=True))
    return replace(annotations, records=named), f"by the beginnings of names: {names[0]} is of {starts[0]}"


def _start(name: PurePath) -> str | None:
    """A picture's path without the number at its end; None where nothing is left or there is no number."""
    match = _FRAME_NUMBER.fullmatch(source_stem(name.name))
    folders = name.parent.as_posix()
    return f"{folders}/{match[1]}".strip("./") or None if match else None


def _blocks(annotations: Annotations) -> list[str]:
    """The block of each frame, in the order of recordings and of the numbers in names."""
    records = annotations.records

    def place(index: int) -> tuple[object, ...]:
        path = records[index].path
        return records[index].sequence or "", path.parent.as_posix(), natural(path)

    order = sorted(range(len(records)), key=place)
    blocks = [""] * len(records)
    for number, members in enumerate(np.array_split(order, min(BLOCKS, len(records)))):
        for index in members:
            blocks[index] = f"{number:02d}"
    return blocks


def _named(annotations: Annotations, parts: Sequence[np.ndarray]) -> dict[str, Annotations]:
    return {role: select(annotations, part) for role, part in zip(ROLES, parts, strict=True)}


def _told(splits: Mapping[str, Annotations], *, recordings: bool) -> str:
    """How many frames, and recordings, each split has."""
    texts = []
    for name, split in splits.items():
        count = len({record.sequence for record in split.records})
        texts.append(f"{name} {len(split.records)}" + (f" of {count}" if recordings else ""))
    return ", ".join(texts)
