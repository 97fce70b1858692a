"""Houses from above: what shows of walls and roof."""

import math

import numpy as np
import pytest

from detector.synth.camera import Drone
from detector.synth.climate import Climate
from detector.synth.houses import paint_house
from detector.synth.paint import Painter

NIGHT = Climate(air=285.0, ground=283.0, sky=275.0, sun=0.0, clear=1.0)
SIZE = (10.0, 5.0, 8.0)
"""Half its length, half its depth, its height."""
FLAT = np.zeros((2, 2), np.float32)


def painted(tilt: float, yaw: float = 0.0):
    painter = Painter(4.0, reach=30.0)
    view = Drone(metre=4.0, tilt=math.radians(tilt)).view(yaw)
    paint_house(np.random.default_rng(0), painter, SIZE, view=view, climate=NIGHT)
    return painter.sprite(FLAT)


def test_straight_from_above_there_is_a_roof_and_nothing_else():
    sprite = painted(90.0)
    assert sprite.body.shape == pytest.approx((41, 81), abs=1)
    roof = np.median(sprite.kelvin)
    assert (np.abs(sprite.kelvin - roof) < 0.01).mean() > 0.85  # all but vents and hatches
    assert roof < NIGHT.air - 1.5  # it has lost its warmth to a clear sky


def test_from_the_side_the_near_wall_shows_below_the_roof_with_its_windows():
    sprite = painted(30.0)
    # Depth 10 m foreshortened to its half, and 8 m of wall by cos 30.
    assert sprite.body.shape[0] == pytest.approx(4 * (10 * 0.5 + 8 * math.cos(math.radians(30))), abs=2)
    wall = sprite.kelvin[-20:, 4:-4]
    roof = np.median(sprite.kelvin[4:14])
    assert np.median(wall) > roof + 1
    assert 5 <= len(np.unique(wall.round(3))) <= 80  # the wall and windows, each of its own warmth


@pytest.mark.parametrize("yaw", [0.7, 2.2, 3.9])
def test_turned_houses_show_two_walls(yaw):
    sprite = painted(40.0, yaw)
    low = sprite.kelvin[sprite.body.shape[0] // 2 :][sprite.body[sprite.body.shape[0] // 2 :]]
    assert low.std() > 0.3
    assert sprite.body.mean() < 0.9  # it stands across the grid
