"""Inside and across, by hand. x points right, y down."""

from __future__ import annotations

from itertools import pairwise

import pytest

from detector.errors import UserError
from detector.events.places import Line, Zone

L_SHAPE = Zone("l", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.5, 0.5), (0.5, 0.9), (0.1, 0.9)))
UP = Line("up", ((0.5, 0.8), (0.5, 0.2)))
"""Walked from the bottom to the top: its left is the left of the picture."""


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((0.2, 0.2), True),
        ((0.8, 0.3), True),
        ((0.2, 0.8), True),
        ((0.8, 0.8), False),  # in the notch
        ((0.05, 0.5), False),
        ((0.95, 0.3), False),
        ((0.3, 0.5), True),  # level with a corner
    ],
)
def test_a_zone_need_not_be_convex(point, inside):
    assert L_SHAPE.holds(point) is inside
    backwards = Zone("l", L_SHAPE.corners[::-1])
    assert backwards.holds(point) is inside


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ((0.4, 0.5), (0.6, 0.5), 1),
        ((0.6, 0.5), (0.4, 0.5), -1),
        ((0.4, 0.5), (0.45, 0.5), 0),
        ((0.4, 0.9), (0.6, 0.9), 0),  # passes below its end
        ((0.4, 0.1), (0.6, 0.15), 0),  # passes above
        ((0.5, 0.3), (0.5, 0.7), 0),  # along it
        ((0.1, 0.1), (0.9, 0.9), 1),
    ],
)
def test_a_line_is_crossed_between_its_ends(before, after, step):
    assert UP.crossed(before, after) == step


@pytest.mark.parametrize("way", [[0.4, 0.5, 0.6], [0.4, 0.5, 0.5, 0.6], [0.4, 0.6, 0.45, 0.6]])
def test_a_stop_or_a_step_back_on_the_line_counts_once(way):
    steps = [UP.crossed((a, 0.5), (b, 0.5)) for a, b in pairwise(way)]
    assert sum(steps) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Zone("z", ((0, 0), (1, 1))), "events.zones.z: must be at least 3 points"),
        (lambda: Zone("z", ((0, 0), (1, 1), (20, 0))), r"events.zones.z: \[20, 0\] must be \[x, y\], shares"),
        (lambda: Line("l", ((0, 0), (1, 1), (1, 0))), "events.lines.l: must be 2 points"),
        (lambda: Line("l", ((0.5, 0.5), (0.5, 0.5))), "events.lines.l: its two points are one"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(UserError, match=message):
        make()
