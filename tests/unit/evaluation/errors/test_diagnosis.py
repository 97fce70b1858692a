"""The parts of a diagnosis belong together."""

from __future__ import annotations

import json

import pytest

from detector.evaluation.errors.diagnosis import diagnose
from tests.unit.evaluation.builders import annotations, found, pooled, record

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]
FAR = [400.0, 400.0, 420.0, 420.0]


def test_by_hand():
    """Two persons found, then a false one below the best threshold, which the confusion leaves out."""
    truth = annotations(record(1, truths=[(A, 0), (B, 0)]))
    detections = {1: found((A, 0.75, 0), (B, 0.5, 0), (FAR, 0.25, 0))}
    result = diagnose(pooled(truth, detections), truth.classes)
    assert result.confusion.matrix.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]
    scalars = result.scalars()
    assert (scalars["best_F1"], scalars["best_threshold"], scalars["FROC"]) == (1, 0.5, 1)
    # From 0.3 on: both right with a mean score of 0.75 and 0.5, each alone in its bin.
    assert scalars["D-ECE"] == pytest.approx((0.25 + 0.5) / 2)
    assert scalars["dAP_background"] == scalars["dAP_false_positives"] == 0
    written = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert written["tide"]["counts"]["background"] == 1
    assert written["confusion"]["least_score"] == 0.5


def test_without_truth():
    result = diagnose(pooled(annotations(record(1, truths=[])), {1: found((A, 0.9, 1))}), ("person", "car"))
    assert result.confusion.matrix.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    scalars = result.scalars()
    assert scalars.pop("D-ECE") == pytest.approx(0.9)
    assert set(scalars.values()) == {None}
    json.dumps(result.to_dict(), allow_nan=False)
