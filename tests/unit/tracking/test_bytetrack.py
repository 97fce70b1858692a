"""Objects by hand: which number they get, and whether they keep it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from detector.errors import UserError
from detector.structures import Detections
from tests.built import built

FPS = 9
Row = tuple[float, float, float, int]
"""Centre x and y, share of the threshold, label."""


def frame(*rows: Row, side: float = 6.0) -> tuple[Detections, np.ndarray]:
    """Detections of `side` pixels, best first, their shares; the score is a third of that."""
    rows = tuple(sorted(rows, key=lambda row: -row[2]))
    half = side / 2
    boxes = np.array([(x - half, y - half, x + half, y + half) for x, y, *_ in rows], np.float32)
    shares = np.array([share for _, _, share, _ in rows], np.float32)
    labels = np.array([label for *_, label in rows], np.int64)
    return Detections(boxes.reshape(-1, 4), shares / 3, labels), shares


def follow(frames: Iterable[tuple[Row, ...]], **changes: float) -> list[Detections]:
    tracks = built("tracker/bytetrack", **changes).start()
    return [tracks.update(*frame(*rows), seconds=index / FPS) for index, rows in enumerate(frames)]


def numbers(found: list[Detections]) -> list[list[int]]:
    return [one.tracks.tolist() for one in found if one.tracks is not None]


def test_it_is_a_track_once_it_was_found_often_enough():
    found = follow([((10 + k, 10, 1.5, 0),) for k in range(5)], hits=3)
    assert numbers(found) == [[0], [0], [1], [1], [1]]
    assert [len(one.scores) for one in found] == [1] * 5, "what is no track yet counts all the same"


def test_six_pixels_that_never_overlap_are_one_object():
    found = follow([((10 + 9 * k, 20 + 4 * k, 1.5, 0),) for k in range(12)])
    assert numbers(found)[2:] == [[1]] * 10


def test_those_who_cross_keep_their_numbers():
    """Two walk towards each other and through each other; on the same place one of them is not found."""
    frames = []
    for k in range(21):
        rows = [(20.0 + 3 * k, 50.0, 1.5, 0), (80.0 - 3 * k, 51.0, 1.4, 0)]
        frames.append(tuple(rows[:1] if k == 10 else rows))
    found = follow(frames)
    for one in (found[5], found[20]):
        assert sorted(one.tracks.tolist()) == [1, 2]
    first, last = (
        dict(zip(one.tracks.tolist(), one.boxes[:, 0], strict=True)) for one in (found[5], found[20])
    )
    assert first[1] < first[2]
    assert last[1] > last[2]


def test_it_is_waited_for_and_then_forgotten():
    there, gone = ((30.0, 30.0, 1.5, 0),), ()
    short = follow([there] * 4 + [gone] * 6 + [there] * 4, keep=1.0)
    assert numbers(short)[-1] == [1]
    long = follow([there] * 4 + [gone] * 11 + [there] * 4, keep=1.0)
    assert numbers(long)[15:] == [[0], [0], [2], [2]]


def test_what_is_new_may_be_missed_in_one_frame_but_not_in_two():
    there, gone = ((30.0, 30.0, 1.5, 0),), ()
    assert numbers(follow([there, gone, there, gone, there]))[-1] == [1]
    assert numbers(follow([there, there, gone, gone, there]))[-1] == [0]


def test_a_weak_detection_continues_a_track_and_begins_none():
    weak = ((30.0, 30.0, 0.5, 0),)
    assert [one.scores.tolist() for one in follow([weak] * 5)] == [[]] * 5
    found = follow([((30.0, 30.0, 1.5, 0),)] * 3 + [weak] * 3 + [((30.0, 30.0, 0.3, 0),)], weak=0.4)
    assert numbers(found) == [[0], [0], [1], [1], [1], [1], []]
    assert found[4].scores == pytest.approx([0.5 / 3])


def test_a_weak_detection_continues_no_track_that_was_missed_in_the_frame_before():
    there, gone, weak = ((30.0, 30.0, 1.5, 0),), (), ((30.0, 30.0, 0.5, 0),)
    assert numbers(follow([there] * 4 + [gone, weak, there], weak=0.4))[-3:] == [[], [], [1]]


def test_far_away_is_another_object():
    found = follow([((30.0, 30.0, 1.5, 0),)] * 9 + [((90.0, 30.0, 1.5, 0),)] * 3)
    assert numbers(found)[-2:] == [[0], [2]]


@pytest.mark.parametrize(("side", "other", "number"), [(6, 14, 0), (14, 6, 0), (6, 11, 1), (11, 6, 1)])
def test_so_is_one_of_another_size(side, other, number):
    tracks = built("tracker/bytetrack", resize=2.0).start()
    for index in range(9):
        tracks.update(*frame((30, 30, 1.5, 0), side=side), seconds=index / FPS)
    last = tracks.update(*frame((30, 30, 1.5, 0), side=other), seconds=1.0)
    assert last.tracks.tolist() == [number]


def test_the_class_is_that_of_most_votes_by_share():
    labels = [0, 0, 1, 1, 0, 0, 1]
    found = follow([((30.0, 30.0, 1.2 if label == 0 else 1.1, label),) for label in labels])
    assert [one.labels.tolist() for one in found] == [[0], [0], [0], [0], [0], [0], [0]]
    loud = follow([((30.0, 30.0, 1.0, 0),)] * 3 + [((30.0, 30.0, 2.9, 1),)] * 2)
    assert [one.labels.tolist() for one in loud] == [[0], [0], [0], [0], [1]]


def test_two_boxes_on_one_place_are_one_object_and_both_vote():
    both = ((30.0, 30.0, 1.5, 0), (30.5, 30.0, 1.4, 1))
    found = follow([both] * 4)
    assert [one.scores.tolist() for one in found] == [pytest.approx([0.5])] * 4
    beside = follow([((30.0, 30.0, 1.5, 0), (34.0, 30.0, 1.4, 1))] * 4)
    assert numbers(beside)[-1] == [1, 2], "a third of the box is no place in common"
    other = follow([both] + [((30.5, 30.0, 1.4, 1),)] * 3)
    assert other[-1].labels.tolist() == [1]


def test_the_box_is_steadier_than_what_was_found():
    rng = np.random.default_rng(0)
    jitter = rng.normal(0, 1.0, 60)
    found = follow([((40.0 + shift, 40.0, 1.5, 0),) for shift in jitter], noise=0.5)
    centres = np.array([one.boxes[0, [0, 2]].mean() - 40 for one in found])
    assert centres[20:].std() < 0.75 * jitter[20:].std()


def test_nothing_is_found_and_nothing_breaks():
    assert numbers(follow([(), (), ()])) == [[], [], []]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hits": 0}, "tracker.hits=0: must be above 0"),
        ({"keep": float("nan")}, "tracker.keep=nan: must be above 0"),
        ({"weak": 1.5}, "tracker.weak=1.5: must be 1 at most"),
        ({"resize": 0.5}, "tracker.resize=0.5: must be at least 1"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(UserError, match=message):
        built("tracker/bytetrack", **changes)
