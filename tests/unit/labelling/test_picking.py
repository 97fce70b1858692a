"""Sequences of which it is known what should be picked."""

from __future__ import annotations

from collections import Counter

import numpy as np

from detector.labelling.change import CELLS, FULL, Survey, survey
from detector.labelling.picking import APART, CHANGED, QUIET, UNSURE, pick
from tests.unit.labelling.builders import frames, scene


def recording(length: int, *, where: dict[int, int] | None = None, key: int = 0) -> Survey:
    """A survey in which frames, by their index, have changed in one cell."""
    places = where or {}
    changes = np.zeros((len(places), CELLS), np.uint8)
    for row, cell in enumerate(places.values()):
        changes[row, cell] = FULL
    digests = [f"{key:08}{index:08}".encode() for index in range(length)]
    return Survey(digests, np.array(list(places), np.int64), changes, None)


def test_every_place_of_an_object_is_picked_once_and_a_quarter_is_quiet():
    """Of 300 frames an object stands 100 in one place, and is in seven others for one frame each."""
    where = {**dict.fromkeys(range(100, 200), 0), **{200 + k: 1 + k for k in range(7)}}
    picks = pick([recording(300, where=where)], 11)
    changed = [one.index for one in picks if one.why == CHANGED]
    assert sorted(where[index] for index in changed) == list(range(8))
    quiet = [one.index for one in picks if one.why == QUIET]
    assert len(quiet) == 3  # each fourth turn, and the last one, for which nothing is left that differs
    assert not set(quiet) & set(where)


def test_quiet_frames_are_spread_over_time():
    picks = pick([recording(127)], 7)
    assert [one.index for one in picks] == [63, 31, 95, 15, 47, 79, 111]


def test_recordings_share_and_one_without_change_leaves_its_part_to_the_others():
    many = {index: index for index in range(60)}
    recordings = [recording(100, where=many, key=1), recording(100, key=2), recording(100, where=many, key=3)]
    found = Counter((one.recording, one.why) for one in pick(recordings, 40))
    assert found == {
        (0, CHANGED): 15,
        (2, CHANGED): 15,
        (0, QUIET): 3,
        (1, QUIET): 4,
        (2, QUIET): 3,
    }


def test_the_first_of_many_are_those_of_few_and_the_next_round_goes_on():
    recordings = [
        survey(frames(scene(50, objects={k: (4 * (k % 12), 3 * k) for k in range(10, 25)}, drift=2)))
    ]
    many = pick(recordings, 20)
    few = pick(recordings, 8)
    assert few == many[:8]
    known = frozenset(recordings[0].digests[one.index] for one in few)
    again = pick(recordings, 12, known=known)
    assert not {one.index for one in few} & {one.index for one in again}
    assert {one.index for one in many} == {one.index for one in few} | {one.index for one in again}


def test_equal_frames_are_picked_once_over_all_recordings_and_rounds():
    one = recording(5)
    assert len(pick([one, one], 20)) == 5
    assert len(pick([one, recording(7)], 20, known=frozenset(one.digests[:2]))) == 5


def test_there_may_be_fewer_frames_than_wanted():
    assert pick([], 5) == []
    assert pick([recording(0), recording(0)], 5) == []
    assert sorted(one.index for one in pick([recording(3)], 5)) == [0, 1, 2]


def test_half_are_frames_of_doubt_apart_from_each_other():
    doubt = np.zeros(100)
    doubt[40:45] = [0.5, 0.6, 1.0, 0.9, 0.8]
    doubt[80] = 0.4
    doubt[10] = 0.1
    picks = pick([recording(100)], 8, doubts=[doubt])
    unsure = [one.index for one in picks if one.why == UNSURE]
    assert unsure[:3] == [42, 80, 10]
    assert min(np.diff(sorted(unsure))) >= APART
    assert [one.why for one in picks[:3]] == [UNSURE, QUIET, QUIET]  # nothing has changed here


def test_doubt_at_the_end_of_a_recording_counts_as_elsewhere():
    doubt = np.zeros(40)
    doubt[0], doubt[20] = 1.0, 0.1
    (first,) = pick([recording(40)], 1, doubts=[doubt])
    assert (first.index, first.why) == (0, UNSURE)


def test_without_doubt_a_model_changes_nothing_but_the_turns():
    where = {index: index for index in range(10, 60)}
    picks = pick([recording(100, where=where)], 12, doubts=[np.zeros(100)])
    assert Counter(one.why for one in picks) == {CHANGED: 9, QUIET: 3}
