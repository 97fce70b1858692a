"""Frames of one recording by their names and times: which are neighbours, and where names are used again."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import numpy as np

from detector.doctor.hashing import distance
from detector.doctor.scan import FrameFacts

Position = tuple[str, float]
"""A series of frames and the place of one in it."""


def by_number(facts: FrameFacts) -> Position | None:
    """Recording and name without the number at its end, and that number; None for a name without."""
    match = re.fullmatch(r"(.*?)(\d{1,15})", facts.record.path.stem, re.DOTALL)
    if match is None:
        return None
    return f"{facts.record.sequence}/{match[1]}", float(match[2])


def by_time(facts: FrameFacts) -> Position | None:
    """Recording and second; None where no time is known. Times without a zone are a series of their own."""
    if facts.time is None:
        return None
    return f"{facts.record.sequence}/{facts.time.tzinfo is None}", facts.time.timestamp()


def near_in_series(
    frames: Sequence[FrameFacts],
    known: Sequence[FrameFacts],
    position: Callable[[FrameFacts], Position | None],
    *,
    reach: float,
) -> np.ndarray:
    """[frames] bool: whether one of `known` is in the same series and at most `reach` away."""
    series: dict[str, list[float]] = defaultdict(list)
    for facts in known:
        place = position(facts)
        if place is not None:
            series[place[0]].append(place[1])
    for values in series.values():
        values.sort()

    def near(facts: FrameFacts) -> bool:
        place = position(facts)
        if place is None or place[0] not in series:
            return False
        values = series[place[0]]
        first = bisect_left(values, place[1] - reach)
        return first < len(values) and values[first] <= place[1] + reach

    return np.array([near(facts) for facts in frames], bool)


def reused_names(
    frames: Sequence[FrameFacts], known: Sequence[FrameFacts], *, bits: int
) -> Collection[str | None]:
    """The recordings (None: frames without one) whose names are used again for other pictures.

    Two frames of one recording and one name, but more than `bits` of the hash apart, are not the same moment:
    there each split counts its recordings or frames anew.
    """
    hashes = {(facts.record.sequence, facts.record.path.stem): facts.hash for facts in known}
    reused = set()
    for facts in frames:
        same = hashes.get((facts.record.sequence, facts.record.path.stem))
        if facts.hash is not None and same is not None and distance(facts.hash, same) > bits:
            reused.add(facts.record.sequence)
    return reused
