"""Thresholds of each class: where they come from and what they keep."""

from __future__ import annotations

import numpy as np
import pytest

from detector.errors import UserError
from detector.inference.stages import FALLBACK, confident, thresholds
from tests.unit.inference.builders import CLASSES, prediction

BOX = [0.0, 0.0, 4.0, 4.0]


def test_each_class_has_its_own_threshold_and_the_threshold_itself_counts():
    third = float(np.float32(1 / 3))  # as evaluation stores the score of a detection
    stage = confident({"person": third, "car": 0.6})
    first = prediction((BOX, 0.9, 1), (BOX, 0.59, 1), (BOX, 1 / 3, 0), (BOX, 0.33, 0))
    second = prediction((BOX, 0.1, 0))
    kept = list(stage([first, second]))
    assert [found.names for found in kept] == [["car", "person"], []]
    np.testing.assert_allclose(kept[0].scores, [0.9, 1 / 3], rtol=1e-6)
    assert kept[0].frame is first.frame


def test_a_stage_takes_no_more_than_it_is_asked_for():
    def endless():
        while True:
            yield prediction((BOX, 0.5, 0))

    assert len(next(confident(dict.fromkeys(CLASSES, 0.4))(endless()))) == 1


def test_where_the_thresholds_come_from():
    stored = {"person": 0.2}
    assert thresholds(CLASSES, stored=stored, confidence=None) == {"person": 0.2, "car": FALLBACK}
    assert thresholds(CLASSES, stored=None, confidence=None) == dict.fromkeys(CLASSES, FALLBACK)
    assert thresholds(CLASSES, stored=stored, confidence=0.0) == dict.fromkeys(CLASSES, 0.0)


@pytest.mark.parametrize("confidence", [-0.1, 1.5, float("nan"), "high", True])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(UserError, match=r"confidence=.*: must be a number between 0 and 1"):
        thresholds(CLASSES, stored=None, confidence=confidence)
