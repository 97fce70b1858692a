"""Painting in metres."""

import numpy as np
import pytest

from detector.synth.paint import Painter

FLAT = np.zeros((2, 2), np.float32)


def test_a_rectangle_lies_where_its_metres_say():
    painter = Painter(10.0, reach=3.0)
    painter.polygon(np.array([(-1, 0), (1, 0), (1, 2), (-1, 2)]), 300.0)
    sprite = painter.sprite(FLAT)
    # 2 m are 20 pixels; the border pixels on both sides belong to the polygon.
    assert sprite.body.shape == (21, 21)
    assert (sprite.left, sprite.top) == (-10, -20)  # two metres over the foot point, one to its left
    np.testing.assert_array_equal(sprite.kelvin, np.float32(300.0))


def test_a_shadow_is_painted_but_is_no_body():
    painter = Painter(10.0, reach=3.0)
    painter.polygon(np.array([(-2, 0), (2, 0), (2, 0.5), (-2, 0.5)]), 280.0, body=False)
    painter.polygon(np.array([(-1, 0), (1, 0), (1, 1), (-1, 1)]), 300.0)
    sprite = painter.sprite(FLAT)
    columns = np.flatnonzero(sprite.body.any(axis=0))
    assert sprite.painted.shape[1] == 41
    assert len(columns) == 21


def test_a_limb_is_the_hull_of_its_discs():
    painter = Painter(50.0, reach=3.0)
    painter.limb((0, 0.5), (0, 2.5), (0.5, 0.25), 300.0)
    sprite = painter.sprite(FLAT)
    height, width = sprite.body.shape
    assert height == pytest.approx(50 * 2.75, abs=3)  # from 0 to 2.75 m
    assert width == pytest.approx(50 * 1.0, abs=3)
    assert sprite.body[-1 - 25].sum() > sprite.body[12].sum()  # wide at the foot, narrow at the top


def test_later_paint_covers_earlier_and_texture_is_added():
    painter = Painter(10.0, reach=1.0)
    painter.ellipse((0, 0), (0.8, 0.8), 290.0)
    painter.ellipse((0, 0), (0.3, 0.3), 310.0)
    sprite = painter.sprite(np.full((3, 3), 0.5, np.float32))
    middle = sprite.kelvin.shape[0] // 2
    assert sprite.kelvin[middle, middle] == pytest.approx(310.5)
    assert sprite.kelvin[middle, 1] == pytest.approx(290.5)


def test_foliage_is_ragged_and_stays_near_its_ellipse():
    painter = Painter(40.0, reach=2.0)
    painter.foliage(np.random.default_rng(0), (0.0, 0.0), (1.0, 0.6), 285.0)
    sprite = painter.sprite(FLAT)
    area = np.pi * 40 * 24
    assert 0.6 * area < sprite.body.sum() < 1.2 * area
    assert 284 < sprite.kelvin[sprite.body].mean() < 286


def test_foliage_is_never_cut_straight_by_its_window():
    # The window reaches 1.4 radii, 56 pixels to every side; a rim that grew past it would end in a line.
    for seed in range(40):
        painter = Painter(40.0, reach=2.0)
        painter.foliage(np.random.default_rng(seed), (0.0, 0.0), (1.0, 1.0), 285.0)
        sprite = painter.sprite(FLAT)
        sides = (
            -sprite.left,
            -sprite.top,
            sprite.left + sprite.body.shape[1],
            sprite.top + sprite.body.shape[0],
        )
        assert max(sides) <= 55
