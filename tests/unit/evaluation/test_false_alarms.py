"""What counts as a false alarm of a frame, and which files are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detector.errors import UserError
from detector.evaluation.false_alarms import false_alarms, read_false_alarms
from detector.evaluation.predictions import predictions_json
from tests.unit.evaluation.builders import annotations, found, record

PERSON, CAR = 0, 1
HERE, NEAR, FAR = [10.0, 10.0, 30.0, 30.0], [18.0, 10.0, 38.0, 30.0], [100.0, 100.0, 120.0, 120.0]
"""NEAR overlaps HERE by 3/7, FAR by nothing."""
FARTHER = [200.0, 100.0, 220.0, 120.0]
TRUTH = annotations(
    record(3, truths=[(HERE, PERSON)]),
    record(1, truths=[(HERE, PERSON)]),
    record(2, truths=[]),
    record(7, truths=[], regions=[(FAR, PERSON)]),
)
GOOD = (HERE, 0.6, PERSON)
"""It finds what is there: persons are best found from 0.6 on."""


def counts(*of_frames) -> list[int]:
    """Of the frames 3, 1, 2 and 7, from rows (box, score, class)."""
    detections = {image: found(*rows) for image, rows in zip((3, 1, 2, 7), of_frames, strict=True)}
    result = false_alarms(TRUTH, predictions_json(detections, TRUTH))
    assert result is not None
    return result.tolist()


def test_reports_on_nothing_count_from_the_best_score_on():
    sure, unsure = (FAR, 0.6, PERSON), (FARTHER, 0.59, PERSON)
    assert counts([GOOD, sure, unsure], [GOOD], [unsure], []) == [1, 0, 0, 0]
    assert counts([GOOD], [GOOD], [sure], []) == [0, 0, 1, 0]


def test_mistakes_about_an_object_are_none():
    doubled, misplaced = (HERE, 0.6, PERSON), (NEAR, 0.6, PERSON)
    assert counts([GOOD, doubled], [GOOD, misplaced], [], []) == [0, 0, 0, 0]


def test_what_lies_in_a_region_to_ignore_is_none():
    assert counts([GOOD], [GOOD], [], [(FAR, 0.9, PERSON), (FARTHER, 0.9, PERSON)]) == [0, 0, 0, 1]


def test_a_class_that_is_hardly_ever_right_raises_none():
    assert counts([GOOD], [GOOD], [(FAR, 0.9, CAR), (FARTHER, 0.9, CAR)], []) == [0, 0, 0, 0]


def test_predictions_of_other_frames_with_the_same_ids_are_refused(tmp_path):
    file = tmp_path / "predictions.json"
    predictions_json({1: found((FAR, 0.9, PERSON))}, TRUTH).save(file)
    with pytest.raises(UserError, match=r"predictions\.json: finds next to none of the 2 objects"):
        read_false_alarms(file, TRUTH)
    file.write_text(json.dumps([{"image_id": 5, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.5}]))
    with pytest.raises(UserError, match=r"predictions\.json.*image_id 5 is not in this split"):
        read_false_alarms(file, TRUTH)
    predictions_json({1: found(GOOD), 2: found(GOOD)}, TRUTH).save(file)
    np.testing.assert_array_equal(read_false_alarms(file, TRUTH), [0, 0, 1, 0])
