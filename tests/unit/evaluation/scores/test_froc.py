"""Recall at rates of false positives per image, by hand and by trying every threshold."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detector.evaluation.scores.froc import GRID, RATES, froc
from detector.evaluation.scores.outcomes import outcomes
from tests.unit.evaluation.builders import annotations, found, pooled, random_set, record

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]
FAR = [400.0, 400.0, 420.0, 420.0]


def of(truth, detections):
    return froc(outcomes(pooled(truth, detections), truth.classes))


def test_by_hand():
    """Four images, four truths. In falling score: hit, false, hit, then false and hit at once, false, hit.

    One false positive is 0.25 per image: nothing false, 1/4; up to 1, 2/4; up to 2, 3/4 (the pair cannot be
    split); up to 3, 4/4.
    """
    truth = annotations(*(record(image, truths=[(A, 0)]) for image in range(4)))
    detections = {
        0: found((A, 0.9, 0), (FAR, 0.8, 0)),
        1: found((A, 0.7, 0), (FAR, 0.6, 0)),
        2: found((A, 0.6, 0), (FAR, 0.5, 0)),
        3: found((A, 0.4, 0)),
    }
    values = of(truth, detections).to_dict()["per_class"]["person"]
    expected = [0.25, 0.5, 0.75, 1, 1, 1, 1]  # at 0.125, 0.25, 0.5, 1, 2, 4, 8
    assert list(values.values()) == pytest.approx([*expected, sum(expected) / 7])
    assert list(values) == [*(f"recall_at_{rate:g}_fppi" for rate in RATES), "mean_recall"]


def test_images_without_truth_lower_the_rate():
    truth = [record(0, truths=[(A, 0)])]
    detections = {0: found((FAR, 0.9, 0), (A, 0.8, 0))}
    assert of(annotations(*truth), detections).to_dict()["overall"]["recall_at_0.5_fppi"] == 0
    longer = annotations(*truth, record(1, truths=[]))
    assert of(longer, detections).to_dict()["overall"]["recall_at_0.5_fppi"] == 1


def test_one_threshold_for_all_classes():
    """The car's false positive comes before the person: alone it is found at any rate, together from 1."""
    truth = annotations(record(0, truths=[(A, 0)]))
    curves = of(truth, {0: found((FAR, 0.9, 1), (A, 0.8, 0))})
    assert curves.per_class["person"].tolist() == [1] * len(GRID)
    assert curves.overall.tolist() == [float(rate >= 1) for rate in GRID]
    assert np.isnan(curves.per_class["car"]).all()
    written = json.loads(json.dumps(curves.to_dict(), allow_nan=False))
    assert set(written["per_class"]["car"].values()) == {None}


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_trying_every_threshold(seed):
    truth, detections = random_set(seed)
    every = outcomes(pooled(truth, detections), truth.classes)
    curves = froc(every)
    for rate, recall in zip(RATES, curves.at_rates, strict=True):
        best = 0.0
        for threshold in set(every.scores.tolist()):
            kept = every.hits[every.scores >= threshold]
            if (~kept).sum() <= rate * every.images:
                best = max(best, kept.sum() / every.truths.sum())
        assert recall == pytest.approx(best)
    assert (np.diff(curves.overall) >= 0).all()
