"""Bicycles: thin things in racks."""

import math

import numpy as np
import pytest

from detector.synth.bicycles import Bicycle, beside, draw_bicycle
from detector.synth.camera import View
from detector.synth.climate import Climate
from detector.synth.paint import Painter

NIGHT = Climate(air=285.0, ground=283.0, sky=275.0, sun=0.0, clear=0.5)
BICYCLE = Bicycle(length=1.8, width=0.4, gain=5.0, rider=False)


def painted(bicycle: Bicycle, yaw: float):
    painter = Painter(20.0, reach=3.0)
    view = View(tilt=math.pi / 2, yaw=yaw)
    bicycle.paint(np.random.default_rng(0), painter, view=view, climate=NIGHT)
    return painter.sprite(np.zeros((2, 2), np.float32))


def test_it_is_as_long_as_it_is_and_as_warm_as_its_metal():
    sprite = painted(BICYCLE, 0.0)
    height, width = sprite.body.shape
    assert width == pytest.approx(20 * (1.8 + 0.4), abs=3)  # with round ends
    assert height == pytest.approx(20 * (0.6 + 0.12), abs=3)  # the handlebar
    assert np.median(sprite.kelvin[sprite.body]) == pytest.approx(288.0, abs=0.01)
    turned = painted(BICYCLE, math.pi / 2)
    assert turned.body.shape[0] == pytest.approx(width, abs=2)


def test_a_rider_is_warmer_than_the_metal():
    metal, ridden = (
        painted(Bicycle(length=1.8, width=0.4, gain=-3.0, rider=rider), 0.0).kelvin.max()
        for rider in (False, True)
    )
    assert ridden > NIGHT.skin - 3 > metal


def test_neighbours_in_a_rack_are_about_as_warm():
    rng = np.random.default_rng(0)
    gains = np.array(
        [
            [beside(first, rng).gain - first.gain, draw_bicycle(rng).gain - first.gain]
            for first in (draw_bicycle(rng) for _ in range(200))
        ]
    )
    near, far = gains.std(axis=0)
    assert near == pytest.approx(1.0, abs=0.2)
    assert far > 4
