"""Differences of detectors on the same resamples, and whether their intervals hold what they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.predictions import predictions_json
from detector.evaluation.uncertainty.bootstrap import Metric, weighted_metrics
from detector.evaluation.uncertainty.paired import BY_CLASS, Comparison, Difference, Interval, compare
from detector.evaluation.uncertainty.resampling import Draws, draw
from detector.evaluation.worst import MOST
from detector.structures import Detections
from tests.unit.evaluation.builders import BINS, annotations, found, measured, pooled, record


def drawn(values: dict[str, dict[str, list[float]]]) -> Comparison:
    """Of one class: detector -> metric -> its value, then that of each resample."""
    count = len(next(iter(next(iter(values.values())).values()))) - 1
    return Comparison(
        metrics={
            name: {
                metric: Metric(np.array(row), np.array([row]), truths=np.array([7]))
                for metric, row in own.items()
            }
            for name, own in values.items()
        },
        classes=("person",),
        images=3,
        draws=Draws(np.ones((3, count), int), "images", "single frames are drawn", ""),
    )


STEPS = np.arange(101) / 1000
"""Resamples whose middle 95 % are 0.0025 to 0.0975."""

FIRST = {"AP": [0.5, *(0.4 + STEPS)], "MR-2": [0.3, *[0.3] * 101]}


def test_the_difference_is_that_of_the_same_resamples():
    """The resamples run up for both; the second stays 0.01 ahead of the first in each."""
    second = {"AP": [0.52, *(0.41 + STEPS)], "MR-2": [0.25, *[0.29] * 101]}
    comparison = drawn({"a": FIRST, "b": second})
    apart = comparison.difference("b", "AP")
    assert apart is not None
    assert (apart.value, apart.mean, apart.better) == pytest.approx((0.02, 0.01, 1))
    assert (apart.interval.low, apart.interval.high) == pytest.approx((0.01, 0.01))
    assert apart.verdict == "better"
    own = comparison.interval("b", "AP")
    assert own is not None
    assert (own.low, own.high) == pytest.approx((0.4125, 0.5075))


def test_less_is_better_of_a_miss_rate():
    comparison = drawn({"a": FIRST, "b": {"AP": FIRST["AP"], "MR-2": [0.25, *[0.29] * 101]}})
    apart = comparison.difference("b", "MR-2", 0)
    assert apart is not None
    assert (apart.value, apart.better, apart.verdict) == (pytest.approx(-0.05), 1, "better")


def test_equal_detectors_are_better_in_half():
    apart = drawn({"a": FIRST, "b": FIRST}).difference("b", "AP")
    assert apart == Difference(0, 0, Interval(0, 0), 0.5)
    assert apart.verdict == "unclear"


def test_resamples_without_truth_are_left_out_and_a_metric_without_truth_has_no_value():
    nan = float("nan")
    first = {"AP": [0.5, nan, 0.5, 0.5], "AP size <6": [nan] * 4}
    second = {"AP": [0.4, nan, 0.4, 0.4], "AP size <6": [nan] * 4}
    comparison = drawn({"a": first, "b": second})
    apart = comparison.difference("b", "AP")
    assert apart is not None
    assert (apart.mean, apart.better, apart.verdict) == (pytest.approx(-0.1), 0, "worse")
    assert comparison.value("b", "AP size <6") is None
    assert comparison.difference("b", "AP size <6") is None
    assert comparison.interval("b", "AP size <6") is None
    plain = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert plain["detectors"]["b"]["AP size <6"] == {"value": None, "interval": None, "difference": None}
    assert plain["detectors"]["b"]["per_class"]["person"]["AP"]["difference"]["verdict"] == "worse"


def test_the_table_tells_each_detector_and_a_verdict():
    comparison = drawn(
        {
            "a": dict.fromkeys(BY_CLASS, FIRST["AP"]),
            "b": {metric: [0.52, *(0.41 + STEPS)] for metric in BY_CLASS},
            "c": {metric: [0.5, *(0.5 - STEPS)] for metric in BY_CLASS},
        }
    )
    first, second = comparison.table().split("\n\n")
    lines = first.splitlines()
    assert len(lines) == 1 + 5 + 5 + 1
    assert " ".join(lines[1].split()) == "AP 7 0.5000 0.5200 +0.0200 +0.0100 to +0.0100 100.0 % better"
    assert " ".join(lines[4].split()).startswith("MR-2 (less is better) 7 0.5000")
    assert lines[4].endswith("worse")
    assert lines[6].startswith("person AP ")
    assert lines[-1] == "b is better than a: AP +0.0200, 95 % interval +0.0100 to +0.0100"
    assert second.splitlines()[-1].startswith("c and a cannot be told apart: AP +0.0000, 95 % interval -0.09")


def test_of_many_classes_tables_show_those_most_apart_and_a_file_has_all():
    """Class k is k / 100 better in every resample, but the last, which has no truth."""
    count = MOST + 3
    first = np.full((count, 102), 0.5)
    first[-1] = np.nan
    metrics = {
        name: {m: Metric(rows[0], rows, truths=np.full(count, 2)) for m in BY_CLASS}
        for name, rows in {"a": first, "b": first + np.arange(count)[:, None] / 100}.items()
    }
    classes = tuple(f"class {k}" for k in range(count))
    comparison = Comparison(metrics, classes, 3, drawn({"a": FIRST}).draws)
    lines = comparison.table().splitlines()
    by_ap = [line.split(" AP ")[0] for line in lines if line.startswith("class") and " AP " in line]
    assert by_ap == [f"class {k}" for k in range(count - 2, 1, -1)], "the nearest two and the unknown are out"
    assert lines[-2] == f"of {count} classes those whose AP differs most; all: classes.csv"
    header, *rows = comparison.class_rows()
    assert len(rows) == count * len(BY_CLASS)
    assert dict(zip(header, rows[len(BY_CLASS) * 7], strict=True)) == {
        **{"detector": "b", "class": "class 7", "metric": "AP", "truths": 2, "first": 0.5, "own": 0.57},
        **{"difference": 0.07, "low": 0.07, "high": 0.07, "better": 1.0},
    }
    assert rows[-1][4:] == (None,) * 6


def population(images: int) -> tuple[Annotations, list[dict[int, Detections]]]:
    """Images of one object, and what a worse and a better detector find: it, or not, and something false."""
    rng = np.random.default_rng(5)
    records = [record(image, truths=[([0, 0, 20, 20], 0)]) for image in range(images)]
    evidence = rng.normal(0, 1, images)
    detections = []
    for skill in (0.2, 1.2):
        values = np.stack((evidence + rng.normal(skill, 0.7, images), rng.normal(0, 1, images)))
        scores = 1 / (1 + np.exp(-values))
        boxes = np.array([0, 0, 20, 20]) + rng.normal(0, 1.5 - skill, (images, 4))
        detections.append(
            {
                image: found((boxes[image].tolist(), hit, 0), ([400, 400, 420, 420], false, 0))
                for image, (hit, false) in enumerate(scores.T.tolist())
            }
        )
    return annotations(*records, classes=("thing",), ids=(1,)), detections


def test_intervals_hold_the_true_value_as_often_as_they_say():
    """100 sets of 150 images drawn from a population whose values are known, 160 resamples of each.

    A set is a weighting of the population, and so is a resample of it. benchmarks/bootstrap_coverage.py does
    it at length.
    """
    size, images, sets, resamples = 12, 150, 100, 160
    truth, detections = population(size)
    rng = np.random.default_rng(1)
    chosen = rng.multinomial(images, np.full(size, 1 / size), size=sets)
    again = (rng.multinomial(images, own / images, size=resamples).T for own in chosen)
    table = np.concatenate((np.ones((size, 1), dtype=np.int64), *again), axis=1)
    bins = Bins(overlap=(0.5,), crowd_above=0.5, sizes=(1000.0,))
    first, second = (
        weighted_metrics(pooled(truth, own), weights=table, bins=bins)["AP"].overall for own in detections
    )
    for values in (first, second - first):
        low, high = np.percentile(values[1:].reshape(sets, resamples), (2.5, 97.5), axis=1)
        assert 0.9 <= ((low <= values[0]) & (values[0] <= high)).mean() <= 0.99


def test_predictions_are_compared_in_the_order_they_are_given():
    truth, (worse, better) = population(40)
    entries = {name: predictions_json(own, truth) for name, own in (("w", worse), ("b", better))}
    comparison = compare(truth, entries, draws=draw(truth.records, count=50), bins=BINS)
    assert comparison.names == ("w", "b")
    assert comparison.value("w", "AP") == pytest.approx(measured(truth, worse).overall["AP"])
    apart = comparison.difference("b", "AP")
    assert apart is not None
    assert apart.verdict == "better"
