"""What all bins share: the settings' bounds, COCO's curve and its means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.errors import UserError
from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Bin, format_bins, measure, plain_bins, precision_curve
from detector.evaluation.predictions import predictions_json
from tests.unit.evaluation.builders import BINS, annotations, found, measured, random_set, record
from tests.unit.evaluation.hostile import hostile_set


@pytest.mark.parametrize("make", [random_set, hostile_set])
@pytest.mark.parametrize("seed", range(3))
def test_one_bin_of_all_is_pycocotools_to_the_last_digit(make, seed):
    truth, detections = make(seed)
    ready = pool(truth, predictions_json(detections, truth))
    tables = measure(ready, [Bin(name="all", counted=~ready.truths.crowd)])["all"]
    metrics = measured(truth, detections)
    values = tables.values()
    assert {name: values[name] for name in ("AP", "AP50", "AR100")} == {
        name: metrics.overall[name] for name in ("AP", "AP50", "AR100")
    }
    assert [tables.values(slice(k, k + 1))["AP"] for k in range(len(truth.classes))] == [
        values["AP"] for values in metrics.per_class.values()
    ]
    assert tables.truths.tolist() == list(metrics.truths.values())


def test_a_curve_by_hand():
    """Hit, false, what does not count, hit on three truths: precision 1 to recall 1/3, then 2/3 to 2/3."""
    hits, false = np.array([1, 0, 0, 1], dtype=bool), np.array([0, 1, 0, 0], dtype=bool)
    precision, recall = precision_curve(hits, false, truths=3)
    np.testing.assert_allclose(precision, [1] * 34 + [2 / 3] * 33 + [0] * 34)
    assert recall == pytest.approx(2 / 3)


def test_a_precision_that_rises_counts_from_the_start():
    """False, hit, hit: 1/2 then 2/3; COCO takes the best precision at this recall or beyond."""
    precision, _ = precision_curve(np.array([False, True, True]), np.array([True, False, False]), truths=2)
    np.testing.assert_allclose(precision, 2 / 3)


def test_no_hit_is_a_curve_of_zeros():
    precision, recall = precision_curve(np.zeros(2, dtype=bool), np.ones(2, dtype=bool), truths=5)
    assert (precision.max(), recall) == (0, 0)


def test_the_score_of_no_recall_is_the_highest_of_all_though_it_found_nothing():
    truth = annotations(record(4, truths=[([0, 0, 9, 9], 0)]))
    rows = found(([50, 50, 59, 59], 0.75, 0), ([0, 0, 9, 9], 0.5, 0))
    ready = pool(truth, predictions_json({4: rows}, truth))
    tables = measure(ready, [Bin(name="all", counted=np.ones(1, dtype=bool))])["all"]
    assert tables.scores[0, :, 0].tolist() == [0.75] + [0.5] * 100


def test_a_bin_without_truth_has_no_value():
    truth = annotations(record(4, truths=[([0, 0, 9, 9], 0)]))
    ready = pool(truth, predictions_json({4: found(([0, 0, 9, 9], 0.5, 0))}, truth))
    none = measure(ready, [Bin(name="none", counted=np.zeros(1, dtype=bool))])
    assert plain_bins(none) == {"none": {"AP": None, "AP50": None, "AR100": None, "R50": None, "truths": 0}}
    assert [line.split() for line in format_bins("kind", none).splitlines()] == [
        ["kind", "truths", "AP", "AP50", "AR100", "R50"],
        ["none", "0", "-", "-", "-", "-"],
    ]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"overlap": (0.1, 0.1)}, r"overlap=\[0.1, 0.1\]: must be rising"),
        ({"overlap": ()}, r"overlap=\[\]"),
        ({"overlap": (0.0, 1.0)}, "overlap of 1.0 must be"),
        ({"crowd_above": -0.1}, "overlap of -0.1 must be"),
        ({"sizes": (12, 6)}, r"sizes=\[12, 6\]: must be rising"),
        ({"sizes": (0, 6)}, "size of 0 pixels"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, complaint):
    with pytest.raises(UserError, match=complaint):
        replace(BINS, **settings)
