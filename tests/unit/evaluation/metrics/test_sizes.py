"""Sizes by COCO's rule: at its own areas its own numbers."""

from __future__ import annotations

import pytest

from detector.evaluation.matching import pool
from detector.evaluation.metrics.bins import Tables, measure
from detector.evaluation.metrics.sizes import size_bins
from detector.evaluation.predictions import predictions_json
from tests.unit.evaluation.builders import annotations, found, measured, random_set, record
from tests.unit.evaluation.hostile import hostile_set


@pytest.mark.parametrize("make", [random_set, hostile_set])
@pytest.mark.parametrize("seed", range(3))
def test_coco_s_areas_give_coco_s_numbers_to_the_last_digit(make, seed):
    truth, detections = make(seed)
    ready = pool(truth, predictions_json(detections, truth))
    bins = measure(ready, size_bins(ready, (32, 96)))
    metrics = measured(truth, detections)
    every = [metrics.overall, *metrics.per_class.values()]
    ours = [slice(None), *(slice(k, k + 1) for k in range(len(truth.classes)))]
    for name, area in zip(("<32", "32-96", ">96"), ("APs", "APm", "APl"), strict=True):
        assert [bins[name].values(classes)["AP"] for classes in ours] == [values[area] for values in every]


def in_bins(*rows: tuple[list[float], float, int]) -> dict[str, Tables]:
    """Truths of 4, 6, 8 and 30 pixels."""
    truths = [(SMALL, 0), (BOUND, 0), (MIDDLE, 0), (LARGE, 0)]
    truth = annotations(record(4, truths=truths), classes=("person",), ids=(1,))
    ready = pool(truth, predictions_json({4: found(*rows)}, truth))
    return measure(ready, size_bins(ready, (6, 12, 24)))


SMALL, BOUND = [0.0, 0.0, 4.0, 4.0], [20.0, 0.0, 26.0, 6.0]
MIDDLE, LARGE = [50.0, 0.0, 54.0, 16.0], [100.0, 0.0, 130.0, 30.0]


def test_a_truth_on_the_bound_belongs_to_both_and_area_counts_not_shape():
    bins = in_bins()
    assert {name: int(tables.truths.sum()) for name, tables in bins.items()} == {
        "<6": 2, "6-12": 2, "12-24": 0, ">24": 1,
    }  # fmt: skip


def test_what_finds_nothing_counts_in_its_own_bin_only():
    """A stray of 9 pixels comes before the two hits of 6-12: precision 1/2, then 2/3, so 2/3 all along."""
    bins = in_bins(([200, 200, 209, 209], 0.9, 0), (BOUND, 0.8, 0), (MIDDLE, 0.7, 0), (SMALL, 0.6, 0))
    assert bins["6-12"].values()["AP"] == pytest.approx(2 / 3)
    assert bins["<6"].values()["AP"] == pytest.approx(1)
    assert bins["12-24"].values()["AP"] is None
    assert bins[">24"].values() == {"AP": 0, "AP50": 0, "AR100": 0, "R50": 0}


def test_a_truth_of_another_size_is_neither_missed_nor_found():
    """Only LARGE is found, by a box that is too small to be of its bin: right there, unseen elsewhere."""
    bins = in_bins(([100, 0, 123, 23], 0.9, 0), (LARGE, 0.8, 0))
    assert bins[">24"].values()["AP50"] == pytest.approx(1)
    bins = in_bins(([100, 0, 122, 29], 0.9, 0))  # 638 of 900 square pixels
    assert bins[">24"].values()["R50"] == 1
    assert bins["<6"].values()["R50"] == 0
