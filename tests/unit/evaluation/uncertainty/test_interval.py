"""Intervals against textbook values."""

import numpy as np
import pytest

from detector.evaluation.uncertainty.interval import Interval, middle, of_count, of_share


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (1, 1, 0.025, 1.0),  # one right report of one promises nothing
        (50, 50, 0.025 ** (1 / 50), 1.0),
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),
        (8, 10, 0.4439, 0.9748),  # Clopper and Pearson's tables
    ],
)
def test_a_share(part, whole, low, high):
    interval = of_share(part, whole)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904)]
)
def test_a_count(count, low, high):
    interval = of_count(count)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_resamples():
    values = np.append(np.arange(1001) / 1000, np.nan)
    assert middle(values) == Interval(0.025, 0.975)
    assert middle(values[-1:]) is None
    # Student's t of 4 degrees of freedom is 2.776; below sqrt(5 / 4) of that are 0.00096 of the normal.
    few = middle(values, units=5)
    assert few is not None
    assert (few.low, few.high) == pytest.approx((0.00096, 0.99904), abs=1e-5)
    many = middle(values, units=100_000)
    assert many is not None
    assert many.low == pytest.approx(0.025, abs=1e-5)
