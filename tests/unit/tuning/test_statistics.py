"""Means, differences and tests, by hand and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from detector.tuning.results import Results
from detector.tuning.statistics import differences, front, holm, less_is_better, mean_of, means


def results(metrics=("AP",), conditions=None, folds=None, **arms) -> Results:
    """arms: a list of one value, or one for each metric, for each run; their places are the seeds."""
    names = [arm for arm, runs in arms.items() for _ in runs]
    seeds = [seed for runs in arms.values() for seed in range(len(runs))]
    values = np.array([np.atleast_1d(run) for runs in arms.values() for run in runs], float)
    return Results(
        conditions=tuple(conditions or [""] * len(names)),
        arms=tuple(names),
        seeds=tuple(seeds),
        folds=tuple(folds or [None] * len(names)),
        metrics=tuple(metrics),
        values=values,
    )


def test_the_paired_test_is_scipy_s():
    rng = np.random.default_rng(0)
    for count in (2, 3, 10):
        ours, theirs = rng.normal((0.5, 0.4), 0.1, (count, 2)).T
        (found,) = differences(results(base=theirs, other=ours), "base")["other"]
        expected = stats.ttest_rel(ours, theirs)
        assert found.p == pytest.approx(expected.pvalue)
        low, high = expected.confidence_interval()
        assert found.mean.value == pytest.approx((low + high) / 2)
        assert found.mean.half == pytest.approx((high - low) / 2)


def test_the_difference_by_hand():
    """0.1, 0.2, 0.1: mean 0.1333, deviation 0.05774, and t at 0.975 with 2 degrees of freedom is 4.3027."""
    (found,) = differences(results(base=[0.5, 0.4, 0.6], other=[0.6, 0.6, 0.7]), "base")["other"]
    assert found.mean.value == pytest.approx(0.4 / 3)
    assert found.mean.half == pytest.approx(4.3027 * 0.057735 / math.sqrt(3), rel=1e-4)


def test_folds_widen_the_interval_by_their_common_training_frames():
    """Of 5 folds each tests on a quarter of what it trains on: 1/5 + 1/4 in the place of 1/5."""
    values = np.array([0.1, 0.3, 0.2, 0.0, 0.15])
    alone, shared = mean_of(values), mean_of(values, folds=5)
    assert shared.error == pytest.approx(alone.deviation * math.sqrt(1 / 5 + 1 / 4))
    assert shared.half / alone.half == pytest.approx(1.5)
    t = 0.15 / (np.std(values, ddof=1) * math.sqrt(0.45))
    assert shared.p == pytest.approx(2 * stats.t.sf(t, 4))
    assert shared.deviation == alone.deviation


def test_pairs_are_of_the_same_seed_and_fold():
    """Runs that only one arm has, and those of other conditions, are left out."""
    found = Results(
        conditions=("a", "a", "a", "a", "b", "b"),
        arms=("base", "base", "other", "other", "other", "base"),
        seeds=(0, 0, 0, 1, 0, 0),
        folds=(0, 1, 1, 0, 0, 0),
        metrics=("AP",),
        values=np.array([[0.1], [0.2], [0.6], [0.9], [0.9], [0.4]]),
    )
    (apart,) = differences(found, "base", condition="a", folds=2)["other"]
    assert (apart.mean.count, apart.mean.value) == (1, pytest.approx(0.4))
    (apart,) = differences(found, "base", condition="b", folds=2)["other"]
    assert apart.mean.value == pytest.approx(0.5)


def test_fewer_than_two_pairs_have_no_interval_and_no_p():
    both = results(base=[0.5, np.nan], other=[0.6, 0.9], alone=[])
    (found,) = differences(both, "base")["other"]
    assert (found.mean.count, found.mean.value) == (1, pytest.approx(0.1))
    assert np.isnan([found.mean.half, found.p]).all()
    assert not found.told_apart
    nothing = mean_of(np.array([np.nan]))
    assert nothing.count == 0
    assert np.isnan([nothing.value, nothing.half, nothing.p]).all()


def test_nan_leaves_the_other_metrics_of_a_run():
    both = results(("AP", "AP50"), base=[(0.5, 0.5)] * 3, other=[(0.6, 0.6), (np.nan, 0.8), (0.8, 0.7)])
    first, second = differences(both, "base")["other"]
    assert (first.mean.count, second.mean.count) == (2, 3)
    assert [first.mean.value, second.mean.value] == pytest.approx([0.2, 0.2])


def test_equal_differences_divide_by_nothing():
    halves = results(base=[0.25, 0.5], same=[0.25, 0.5], above=[0.5, 0.75])
    found = {arm: row[0] for arm, row in differences(halves, "base").items()}
    assert found["same"].mean.half == found["above"].mean.half == 0
    assert (found["same"].p, found["above"].p) == (1, 0)


def test_holm_by_hand():
    """0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04, and the last may not be less."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_what_was_not_tested_does_not_count_in_holm_s_correction():
    np.testing.assert_allclose(holm([0.02, math.nan, 0.03]), [0.04, math.nan, 0.04])


def test_p_is_corrected_over_the_arms_of_each_metric_by_itself():
    rng = np.random.default_rng(1)
    base, one, two = rng.normal(0.5, 0.1, (3, 5, 2))
    found = differences(results(("AP", "AP50"), base=base, one=one, two=two), "base")
    for metric in (0, 1):
        plain = [stats.ttest_rel(arm[:, metric], base[:, metric]).pvalue for arm in (one, two)]
        assert [found[arm][metric].p for arm in ("one", "two")] == pytest.approx(holm(plain))


def test_means_are_of_the_runs_that_measured():
    found = means(results(("AP", "AP50"), one=[(0.25, np.nan), (0.75, 0.5)]))["one"]
    assert [(mean.count, mean.value) for mean in found] == [(2, 0.5), (1, 0.5)]
    assert found[0].deviation == pytest.approx(math.sqrt(0.125))


def test_the_front_is_the_best_and_what_cannot_be_told_from_it():
    """`near` is better in one seed of three, `far` worse by the same in all; `new` has no second run."""
    arms = {
        "far": [0.1, 0.201, 0.3],
        "near": [0.48, 0.64, 0.69],
        "best": [0.5, 0.6, 0.72],
        "new": [0.4],
        "none": [np.nan, np.nan],
    }
    assert front(results(**arms), "AP") == ("best", "near", "new")
    assert front(results(("MR-2",), **arms), "MR-2") == ("far", "new"), "less is better"
    assert front(results(none=[np.nan]), "AP") == ()


@pytest.mark.parametrize(
    ("metric", "less"),
    [
        ("MR-2", True),
        ("per_class/person/MR-2", True),
        ("calibration/d_ece", True),
        ("tide/dAP/missed", True),
        ("headline/overall/false_alarms/value", True),
        ("tide/AP", False),
        ("overlap/>0.3/AP50", False),
        ("precision_at_recall_0.8", False),
    ],
)
def test_which_metrics_are_better_when_less(metric, less):
    assert less_is_better(metric) == less
