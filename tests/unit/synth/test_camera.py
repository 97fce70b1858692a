"""Perspective."""

import math

import numpy as np
import pytest

from detector.synth.camera import Camera, View, draw_camera


def test_scale_and_row_agree_and_match_the_pinhole():
    camera = Camera(horizon=20.0, height=4.0, focal=200.0)
    # Ground 16 m away shows at 20 + 200 * 4 / 16 = 70; a metre there has 200 / 16 pixels.
    assert camera.scale(70.0) == pytest.approx(12.5)
    assert camera.row(12.5) == pytest.approx(70.0)
    assert camera.tilt(70.0) == pytest.approx(math.atan(4 / 16))


def test_a_person_at_the_bottom_has_the_promised_size():
    for seed in range(50):
        camera = draw_camera(np.random.default_rng(seed), frame_height=120)
        assert 28 <= 1.75 * camera.scale(120.0) <= 60


def test_broadside_shows_length_and_front_view_shows_width():
    points = np.array([(-2.0, 0.0, -1.0), (2.0, 0.0, 1.0)])
    side = View(tilt=0.0, yaw=0.0).project(points)
    front = View(tilt=0.0, yaw=math.pi / 2).project(points)
    assert side[1, 0] - side[0, 0] == pytest.approx(4.0)
    assert abs(front[1, 0] - front[0, 0]) == pytest.approx(2.0)


def test_from_straight_above_heights_vanish_and_the_top_shows():
    view = View(tilt=math.pi / 2, yaw=0.3)
    assert view.project(np.array([(0.0, 1.5, 0.0)]))[0, 1] == pytest.approx(0.0, abs=1e-9)
    assert view.faces((0, 1, 0))
    assert not any(view.faces(normal) for normal in ((1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1)))


@pytest.mark.parametrize("yaw", [0.4, 1.9, 3.5, 5.0])
def test_of_opposite_walls_exactly_one_shows(yaw):
    view = View(tilt=0.2, yaw=yaw)
    assert view.faces((1, 0, 0)) != view.faces((-1, 0, 0))
    assert view.faces((0, 0, 1)) != view.faces((0, 0, -1))
