"""Detection calibration error by hand, by its formula, and where it must be zero."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detector.evaluation.scores.calibration import BINS, calibration
from detector.evaluation.scores.outcomes import Outcomes


def outcomes_of(scores, hits, labels=None, classes=("a",)) -> Outcomes:
    order = np.argsort(-np.asarray(scores), kind="stable")
    return Outcomes(
        classes=classes,
        images=1,
        scores=np.asarray(scores, dtype=np.float64)[order],
        labels=(np.zeros(len(order), dtype=int) if labels is None else np.asarray(labels))[order],
        hits=np.asarray(hits, dtype=bool)[order],
        truths=np.ones(len(classes), dtype=int),
    )


def test_by_hand():
    """Bins of 0.05. 0.72 and 0.74, one of them right: off by 0.73 - 0.5; 0.11, right: off by 0.89."""
    result = calibration(outcomes_of([0.72, 0.74, 0.11], [True, False, True]), confidence=0)
    assert result.error == pytest.approx((2 * 0.23 + 0.89) / 3)
    assert (result.counts[14], result.counts[2], result.counts.sum()) == (2, 1, 3)
    assert (result.scores[14], result.precision[14]) == pytest.approx((0.73, 0.5))
    assert np.isnan(result.scores[0])


def test_the_upper_edge_belongs_to_the_next_bin_but_for_the_last():
    result = calibration(outcomes_of([0.05, 1.0, 0.96, 0.0], [True] * 4), confidence=0)
    assert {index: int(count) for index, count in enumerate(result.counts) if count} == {
        0: 1,
        1: 1,
        BINS - 1: 2,
    }


def test_low_scores_can_be_left_out():
    outcomes = outcomes_of([0.3, 0.29], [True, False])
    assert calibration(outcomes, confidence=0.3).error == pytest.approx(0.7)
    assert calibration(outcomes, confidence=0.3).counts.sum() == 1


def test_classes_alone():
    """0.5 right and 0.5 wrong cancel out in one bin, though each class alone is off by 0.5."""
    outcomes = outcomes_of([0.5, 0.5], [True, False], labels=[0, 1], classes=("a", "b", "c"))
    result = calibration(outcomes, confidence=0)
    assert result.error == 0
    assert result.per_class == {"a": 0.5, "b": 0.5, "c": None}


def test_the_same_as_the_formula_written_out():
    rng = np.random.default_rng(0)
    scores, hits = rng.random(500), rng.random(500) < 0.4
    total = 0.0
    for index in range(20):
        inside = (scores >= index / 20) & (scores < (index + 1) / 20)
        total += inside.mean() * abs(hits[inside].mean() - scores[inside].mean())
    assert calibration(outcomes_of(scores, hits), confidence=0).error == pytest.approx(total)


def test_scores_that_are_what_they_say():
    """Right as often as the score says: what is left of 200,000 is chance; halved scores are off."""
    rng = np.random.default_rng(1)
    scores = rng.random(200_000)
    hits = rng.random(200_000) < scores
    assert calibration(outcomes_of(scores, hits), confidence=0).error < 0.005
    assert calibration(outcomes_of(scores / 2, hits), confidence=0).error == pytest.approx(0.25, abs=0.005)


def test_no_detections():
    result = calibration(outcomes_of([], []), confidence=0.3)
    written = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert written == {"least_score": 0.3, "detections": 0, "d_ece": None, "per_class": {"a": None}}
