"""Scores near the threshold and objects lost for a frame raise doubt."""

from __future__ import annotations

import numpy as np
import pytest

from detector.labelling.doubt import doubts
from tests.unit.inference.builders import prediction

LEAST = {"person": 0.5, "car": 0.2}
BOX = [10, 10, 20, 20]
SURE = (BOX, 1.0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], 0.0),
        ([(BOX, 0.5, 0)], 1.0),
        ([(BOX, 0.75, 0)], 0.5),
        ([(BOX, 0.25, 0)], 0.5),
        ([(BOX, 1.0, 0), (BOX, 0.05, 1)], 0.25),  # the least certain one; cars count from 0.2
        ([(BOX, 0.6, 1)], 0.5),
        ([(BOX, 1.0, 0), (BOX, 0.0, 1)], 0.0),
    ],
)
def test_doubt_falls_from_the_threshold_to_certainty(rows, expected):
    assert doubts([prediction(*rows)], LEAST) == pytest.approx([expected])


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_thresholds_at_the_ends(threshold):
    values = doubts([prediction((BOX, 0.0, 0), (BOX, 1.0, 0))], {"person": threshold, "car": 0.5})
    assert values.tolist() == [1.0]


def moved(by: float) -> list[float]:
    return [10 + by, 10, 20 + by, 20]


@pytest.mark.parametrize(
    ("between", "after", "lost"),
    [
        ([], [SURE], True),
        ([(moved(1), 1.0, 0)], [(moved(2), 1.0, 0)], False),
        ([(moved(40), 1.0, 0)], [SURE], True),  # something else is there
        ([(BOX, 1.0, 1)], [SURE], True),  # as another class
        ([(BOX, 0.05, 0)], [SURE], True),  # below the threshold
        ([], [(moved(40), 1.0, 0)], False),  # another object
        ([], [], False),  # it has gone
    ],
)
def test_an_object_found_before_and_after_but_not_between_is_lost(between, after, lost):
    values = doubts([prediction(SURE), prediction(*between), prediction(*after)], LEAST)
    assert (values[1] == 1.0) == lost
    assert values[[0, 2]].tolist() == [0.0, 0.0]


def test_every_frame_has_a_value_and_none_has_no_frame():
    assert doubts([], LEAST).shape == (0,)
    flicker = [prediction(*([SURE] if index % 2 else [])) for index in range(6)]
    np.testing.assert_array_equal(doubts(flicker, LEAST), [0, 0, 1, 0, 1, 0])
