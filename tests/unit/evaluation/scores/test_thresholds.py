"""Outcomes, and what thresholds on the score make of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from detector.evaluation.scores.outcomes import Outcomes, outcomes
from detector.evaluation.scores.thresholds import score_thresholds
from tests.unit.evaluation.builders import annotations, found, pooled, random_set, record

A, B, C = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0], [200.0, 50.0, 212.0, 70.0]
FAR = [400.0, 400.0, 420.0, 420.0]


def of(truth, detections) -> Outcomes:
    return outcomes(pooled(truth, detections), truth.classes)


def test_outcomes_by_hand():
    """Best first over both images; what lies in the region and what follows it is not there."""
    truth = annotations(
        record(1, truths=[(A, 0), (B, 1)], regions=[([390, 390, 500, 500], -1)]), record(2, truths=[(A, 0)])
    )
    detections = {
        1: found((A, 0.5, 0), (FAR, 0.45, 0), (A, 0.25, 1)),
        2: found((FAR, 0.75, 1), (A, 0.5, 0)),
    }
    result = of(truth, detections)
    assert result.scores.tolist() == [0.75, 0.5, 0.5, 0.25]
    assert result.labels.tolist() == [1, 0, 0, 1]
    assert result.hits.tolist() == [False, True, True, False]
    assert result.truths.tolist() == [2, 1]
    assert result.images == 2
    # Equal scores cannot be told apart by a threshold.
    assert result.cuts().tolist() == [1, 3, 4]
    assert result.of_class(0).hits.tolist() == [True, True]
    assert result.of_class(0).truths.tolist() == [2]


def test_the_best_threshold_by_hand():
    """Person, three truths, in falling score: hit 0.9, hit 0.8, false 0.7, hit 0.6.

    F1 = 2 hits / (kept + truths): 2/4, 4/5, 4/6, 6/7. All with car (a false positive at 0.85, one truth):
    2/5, 2/6, 4/7, 4/8, 6/9.
    """
    truth = annotations(record(1, truths=[(A, 0), (B, 0), (C, 0), (FAR, 1)]))
    rows = [(A, 0.9, 0), (A, 0.85, 1), (B, 0.8, 0), (FAR, 0.7, 0), (C, 0.6, 0)]
    result = score_thresholds(of(truth, {1: found(*rows)}))
    expected = {"score": 0.6, "precision": 3 / 4, "recall": 1, "f1": 6 / 7}
    assert result.to_dict()["per_class"]["person"] == pytest.approx(expected)
    expected = {"score": 0.6, "precision": 3 / 5, "recall": 3 / 4, "f1": 6 / 9}
    assert result.to_dict()["overall"] == pytest.approx(expected)
    at = result.thresholds.tolist().index(0.75)
    person = result.per_class["person"]
    assert (person.precision[at], person.recall[at], person.f1[at]) == pytest.approx((1, 2 / 3, 4 / 5))
    assert np.isnan(person.precision[-1])
    assert (person.recall[-1], person.f1[-1]) == (0, 0)


def test_of_equal_f1_the_highest_threshold():
    """One truth of three is found at once, F1 2/4; another after three false positives, 4/8."""
    truth = annotations(record(1, truths=[(A, 0), (B, 0), (C, 0)]))
    rows = [(A, 0.75, 0), *[(FAR, 0.5, 0)] * 3, (B, 0.25, 0)]
    result = score_thresholds(of(truth, {1: found(*rows)}))
    curve = result.per_class["person"]
    assert curve.best is not None
    assert (curve.best.score, curve.best.f1) == (0.75, 0.5)
    # A threshold keeps its own score.
    assert curve.f1[result.thresholds.tolist().index(0.75)] == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_trying_every_threshold(seed):
    truth, detections = random_set(seed)
    every = of(truth, detections)
    result = score_thresholds(every)
    for label, name in enumerate((*truth.classes, "overall")):
        mine = every.of_class(label) if name != "overall" else every
        curve = result.per_class.get(name, result.overall)
        tried = []
        for threshold in sorted(set(mine.scores.tolist()), reverse=True):
            hits = mine.hits[mine.scores >= threshold]
            precision, recall = hits.mean(), hits.sum() / mine.truths.sum()
            tried.append(
                (2 * precision * recall / max(precision + recall, 1e-9), threshold, precision, recall)
            )
        f1, threshold, precision, recall = max(tried, key=lambda row: row[0])
        assert curve.best is not None
        assert vars(curve.best) == pytest.approx(
            {"score": threshold, "precision": precision, "recall": recall, "f1": f1}
        )
        assert np.nanmax(curve.f1) <= curve.best.f1 + 1e-12


def test_perfect_predictions():
    truth = annotations(record(1, truths=[(A, 0), (B, 1)]))
    result = score_thresholds(of(truth, {1: found((A, 0.75, 0), (B, 0.25, 1))}))
    assert result.to_dict() == {
        "overall": {"score": 0.25, "precision": 1, "recall": 1, "f1": 1},
        "per_class": {
            "person": {"score": 0.75, "precision": 1, "recall": 1, "f1": 1},
            "car": {"score": 0.25, "precision": 1, "recall": 1, "f1": 1},
        },
    }


def test_a_monotone_change_of_the_scores_changes_the_threshold_only():
    truth, detections = random_set(0)
    there = of(truth, detections)
    squeezed = score_thresholds(replace(there, scores=there.scores**3))
    for name, curve in score_thresholds(there).per_class.items():
        best, again = curve.best, squeezed.per_class[name].best
        assert best is not None
        assert again is not None
        assert again == replace(best, score=pytest.approx(best.score**3))


def test_without_truth_and_without_a_hit():
    truth = annotations(record(1, truths=[(A, 0)]))
    written = score_thresholds(of(truth, {1: found((FAR, 0.9, 0), (FAR, 0.9, 1))})).to_dict()
    nothing = {"score": 1.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert json.loads(json.dumps(written, allow_nan=False)) == {
        "overall": nothing,
        "per_class": {"person": nothing, "car": None},
    }
    assert score_thresholds(of(truth, {})).to_dict()["overall"] == nothing
    empty = score_thresholds(of(annotations(record(1, truths=[])), {}))
    assert empty.overall.best is None
    assert np.isnan(empty.overall.f1).all()


def test_a_threshold_that_reports_nearly_everything_is_not_stored():
    """Of 20 reports one is right: F1 2 / 21 is below 0.1. Of 19 it is 2 / 20."""
    for reports, stored in ((20, {}), (19, {"person": pytest.approx(0.1)})):
        rows = [([40.0 * k, 200, 40.0 * k + 9, 209], 0.9, 0) for k in range(reports - 1)]
        pool = of(annotations(record(1, truths=[(A, 0)])), {1: found(*rows, (A, 0.1, 0))})
        assert score_thresholds(pool).best_scores() == stored
