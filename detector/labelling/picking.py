"""Which frames of some recordings a person should label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.labelling.change import FULL, Survey

CHANGED, QUIET, UNSURE = "changed", "quiet", "unsure"
TURNS = (CHANGED, CHANGED, QUIET, CHANGED)
"""A quarter shows the empty scene: a detector learns from background too."""
TURNS_WITH_DOUBT = (UNSURE, CHANGED, QUIET, UNSURE)
APART = 5
"""Frames between two that are picked for doubt: neighbours raise the same one."""


@dataclass(frozen=True)
class Pick:
    """recording: its number. index: of the frame. why: CHANGED, QUIET or UNSURE."""

    recording: int
    index: int
    why: str


def pick(
    surveys: Sequence[Survey],
    count: int,
    *,
    known: frozenset[bytes] = frozenset(),
    doubts: Sequence[np.ndarray] | None = None,
) -> list[Pick]:
    """Up to `count` frames, best first; fewer only where there are no others.

    Ways of picking take turns, each with the recording that it has served least so far:

    CHANGED takes the frame that differs in most cells from every one taken of its recording, and from the
    empty scene. So an object counts in each place it comes to, and once where it stays; a recording in which
    no frame differs by a cell drops out.
    QUIET takes, of the frames in which nothing changed, the one farthest in time from those taken; of all
    frames where there is none. Recordings of a moving camera are picked from evenly by this.
    UNSURE takes the frame of most doubt, APART from those taken, while there is doubt.

    One that finds nothing leaves its turn to CHANGED, and that to QUIET. The first n of more picks are those
    of fewer. known: digests of frames taken earlier. Of frames equal to the count one is picked at most.
    doubts: [N] in [0, 1] of each recording; None: no model was asked.
    """
    states = _states(surveys, known, doubts)
    turns = TURNS if doubts is None else TURNS_WITH_DOUBT
    picks: list[Pick] = []
    while len(picks) < count:
        ways = dict.fromkeys((turns[len(picks) % len(turns)], CHANGED, QUIET))
        found = next(filter(None, (_turn(states, why) for why in ways)), None)
        if found is None:
            break
        picks.append(found)
    return picks


def _turn(states: Sequence[_State], why: str) -> Pick | None:
    """The next frame of one way of picking; None where it finds none in any recording."""
    for state in sorted(states, key=lambda state: (state.served[why], sum(state.served.values()))):
        index = state.best(why)
        if index is not None:
            state.take(index)
            state.served[why] += 1
            return Pick(state.number, index, why)
    return None


def _states(
    surveys: Sequence[Survey], known: frozenset[bytes], doubts: Sequence[np.ndarray] | None
) -> list[_State]:
    """Of each recording; what was taken earlier is accounted for, and of equal frames the first is free."""
    met = set(known)
    states = []
    for number, survey in enumerate(surveys):
        state = _State(number, survey, None if doubts is None else doubts[number])
        for index, digest in enumerate(survey.digests):
            if digest in known:
                state.take(index)
            state.free[index] = digest not in met
            met.add(digest)
        states.append(state)
    return states


class _State:
    """A recording while it is picked from.

    free [N] bool: may be taken. apart [N]: frames to the nearest that was taken, ends [N]: to the nearer end
    of the recording. quiet [N] bool: nothing changed. unlike [M]: of the busy frames, in how many cells
    (times FULL) each differs from the nearest that was taken.
    """

    def __init__(self, number: int, survey: Survey, doubt: np.ndarray | None) -> None:
        self.number, self.survey, self.doubt = number, survey, doubt
        self.served = {CHANGED: 0, QUIET: 0, UNSURE: 0}
        self.free = np.ones(len(survey), bool)
        self.places = np.arange(len(survey))
        self.ends = np.minimum(self.places, self.places[::-1]) + 1
        self.apart = np.full(len(survey), len(survey))
        self.quiet = np.ones(len(survey), bool)
        self.quiet[survey.busy] = False
        self.unlike = survey.changes.sum(axis=1, dtype=np.int64)

    def best(self, why: str) -> int | None:
        """The frame to take next; None where there is none."""
        if why == CHANGED:
            unlike = np.where(self.free[self.survey.busy], self.unlike, 0)
            place = _highest(unlike, at_least=FULL)
            return None if place is None else int(self.survey.busy[place])
        if why == QUIET:
            # As far as may be from what was taken and from the recording's ends.
            gap = np.minimum(self.apart, self.ends)
            quiet = _highest(np.where(self.free & self.quiet, gap, 0), at_least=1)
            return _highest(np.where(self.free, gap, 0), at_least=1) if quiet is None else quiet
        assert self.doubt is not None
        apart = self.free & (self.apart >= APART)
        return _highest(np.where(apart, self.doubt, 0.0), at_least=np.finfo(np.float64).tiny)

    def take(self, index: int) -> None:
        """The frame is taken."""
        self.free[index] = False
        self.apart = np.minimum(self.apart, np.abs(self.places - index))
        changes = self.survey.changes
        taken = changes[self.survey.busy == index]
        if len(taken):
            differing = np.maximum(changes, taken) - np.minimum(changes, taken)
            self.unlike = np.minimum(self.unlike, differing.sum(axis=1, dtype=np.int64))


def _highest(values: np.ndarray, *, at_least: float) -> int | None:
    """The index of the first highest value; None where that is less, or there is none."""
    if not len(values) or values.max() < at_least:
        return None
    return int(values.argmax())
