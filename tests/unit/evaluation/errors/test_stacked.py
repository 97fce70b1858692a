"""Several boxes on one object, drawn by hand."""

from __future__ import annotations

import numpy as np

from detector.evaluation.errors.kinds import find_mistakes
from detector.evaluation.errors.stacked import KINDS, stacked
from tests.unit.evaluation.builders import annotations, found, pooled, record

OBJECT = [100.0, 100, 140, 140]
INSIDE = [105.0, 105, 120, 120]
"""225 of 1600 square pixels: IoU 0.14, all of it inside."""

BESIDE = [130.0, 100, 170, 140]
"""A quarter of it is shared: another place."""


def pairs(*rows: tuple[list[float], float, int], limit: float = 0.3) -> set[tuple[float, float, str]]:
    """Scores of the wrong box and of the better one, and the kind."""
    pool = pooled(annotations(record(1, truths=[(OBJECT, 0)]), record(2, truths=[])), {1: found(*rows)})
    told = stacked(find_mistakes(pool), limits=np.full(2, limit))
    scores = pool.found.scores.round(2)
    return {
        (float(scores[one]), float(scores[other]), KINDS[kind])
        for one, other, kind in zip(told.found, told.on, told.kinds, strict=True)
    }


def test_each_kind_is_told():
    others = ((OBJECT, 0.8, 0), (OBJECT, 0.7, 1), (INSIDE, 0.6, 0), (BESIDE, 0.5, 0))
    assert pairs((OBJECT, 0.9, 0), *others) == {
        (0.8, 0.9, "same class"),
        (0.7, 0.9, "another class"),
        (0.6, 0.9, "nested"),
    }


def test_the_box_that_found_the_object_is_the_better_one_whatever_its_score():
    assert pairs((OBJECT, 0.9, 1), (OBJECT, 0.6, 0)) == {(0.9, 0.6, "another class")}


def test_of_two_wrong_boxes_the_surer_one_is_the_better():
    there = [300.0, 300, 340, 340]
    assert pairs((there, 0.9, 0), (there, 0.6, 1)) == {(0.6, 0.9, "another class")}


def test_what_is_not_reported_is_no_second_box():
    assert pairs((OBJECT, 0.9, 0), (OBJECT, 0.2, 1)) == set()
    assert pairs() == set()
