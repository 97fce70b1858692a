"""Temperatures from the pixels a box holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.inference.temperature import Temperature, temperatures
from detector.structures import Frame
from detector.thermal.radiometry import Linear

COUNTS = np.arange(30000, 30048, dtype=np.uint16).reshape(6, 8)  # row y, column x: 30000 + 8 y + x
FRAME = Frame(COUNTS, 16, "frame", calibration=Linear(gain=0.01, offset=0.0))


def only(*box: float) -> Temperature:
    (found,) = temperatures(FRAME, [box])
    assert found is not None
    return found


def test_the_pixels_whose_centres_lie_inside_by_hand():
    # Columns 2 and 3, rows 1 and 2: counts 30010, 30011, 30018, 30019.
    found = only(1.6, 0.6, 4.4, 3.4)
    assert (found.low, found.mean, found.high) == pytest.approx((300.10, 300.145, 300.19))


def test_a_box_on_pixel_borders_holds_just_those():
    found = only(2, 1, 4, 3)
    assert (found.low, found.high) == pytest.approx((300.10, 300.19))


def test_a_box_between_centres_has_the_pixel_it_lies_in():
    found = only(2.6, 1.6, 2.9, 1.9)
    assert (found.low, found.high) == pytest.approx((300.10, 300.10))


def test_the_last_pixel_at_the_far_corner():
    found = only(7.8, 5.8, 8.0, 6.0)
    assert found.low == found.high == pytest.approx(300.47)


def test_without_calibration_there_is_no_temperature():
    assert temperatures(replace(FRAME, calibration=None), [(0, 0, 4, 4), (1, 1, 2, 2)]) == [None, None]


class Above:
    """Counts from 30010 on mean their hundredth, less mean nothing."""

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        return np.where(counts >= 30010, counts / 100, np.nan)

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        return kelvin * 100


def test_counts_that_mean_no_temperature_are_left_out():
    frame = replace(FRAME, calibration=Above())
    nothing, some = temperatures(frame, [(0, 0, 8, 1), (0, 0, 8, 2)])
    assert nothing is None
    assert some is not None
    assert (some.low, some.high) == pytest.approx((300.10, 300.15))
