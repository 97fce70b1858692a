"""Centre sampling on drawn grids: levels of 8x8, 4x4 and 2x2 points at strides 4, 8 and 16."""

from __future__ import annotations

import pytest
import torch

from detector.assign.centre_sampling import CentreSampling
from detector.geometry.points import grid_of
from detector.tensors import Assignment
from tests.heads import LEVELS, Truth, head_of, targets_of

OUTPUT = head_of(torch.zeros(1, 84, 1))
GRID = grid_of(LEVELS, device="cpu")


def assigned(*truths: Truth, radius: float = 1.5, cells: float = 2.0) -> Assignment:
    return CentreSampling(radius=radius, cells=cells)(OUTPUT, targets_of(truths))


def places(found: Assignment, truth: int = 0) -> set[tuple[float, float, float]]:
    """x, y and stride of the truth's points."""
    mine = found.positive[0] & (found.matched[0] == truth)
    return {
        (x, y, s) for (x, y), s in zip(GRID.points[mine].tolist(), GRID.strides[mine].tolist(), strict=True)
    }


def test_the_points_of_the_fitting_level_inside_the_box_and_near_its_centre():
    # Side 12 is more than 2 cells of 4 and fits 2 of 8. About (10, 10) the square reaches from -2 to 22, the
    # box, counted as 2 strides wide, from 2 to 18: of the points at 4, 12, 20 the first two.
    found = assigned(((4.0, 4.0, 16.0, 16.0), 0))
    assert places(found) == {(x, y, 8.0) for x in (4.0, 12.0) for y in (4.0, 12.0)}
    assert (found.quality[found.positive] == 1).all()


def test_the_square_bounds_a_large_box():
    # The coarsest level has points at 8 and 24; about (14, 16) 0.6 strides are 9.6 pixels, and 8.. 24 in y.
    assert places(assigned(((0.0, 2.0, 28.0, 30.0), 0), radius=0.6)) == {(8.0, 8.0, 16.0), (8.0, 24.0, 16.0)}


def test_a_box_centred_on_a_point_has_that_one_for_sure():
    # 2 pixels about (10, 10), a point of stride 4: its neighbours lie on the edge of the grown box.
    assert places(assigned(((9.0, 9.0, 11.0, 11.0), 0))) == {(10.0, 10.0, 4.0)}


@pytest.mark.parametrize(
    ("side", "stride"), [(2.0, 4), (8.0, 4), (8.1, 8), (16.0, 8), (16.1, 16), (30.0, 16)]
)
def test_the_level_follows_from_the_side(side: float, stride: int):
    found = assigned(((16 - side / 2, 16 - side / 2, 16 + side / 2, 16 + side / 2), 0))
    assert {s for _, _, s in places(found)} == {stride}


def test_the_side_of_a_long_box_is_the_root_of_its_area():
    # 2 x 18: the root is 6, so stride 4 although 18 is longer than 2 cells.
    assert {s for _, _, s in places(assigned(((8.0, 7.0, 26.0, 9.0), 0)))} == {4}


def test_a_point_in_two_boxes_goes_to_the_smaller():
    large, small = (0.0, 0.0, 16.0, 16.0), (4.0, 4.0, 16.0, 16.0)
    for truths, winner in (((large, 0), (small, 1)), 1), (((small, 1), (large, 0)), 0):
        found = assigned(*truths)
        assert places(found, winner) == {(x, y, 8.0) for x in (4.0, 12.0) for y in (4.0, 12.0)}
        assert not places(found, 1 - winner)


@pytest.mark.parametrize("radius", [0.6, 1.0, 1.5, 2.3])
def test_no_point_of_the_square_is_overlooked(radius: float):
    # A box that fills the frame, moved about: its points are all those of stride 4 within the radius.
    for cx, cy in ((16.0, 16.0), (15.3, 17.9), (2.0, 30.0), (0.1, 5.5)):
        found = assigned(((cx - 15, cy - 15, cx + 15, cy + 15), 0), radius=radius, cells=100.0)
        expected = {
            (x, y, 4.0)
            for x, y in GRID.points[:64].tolist()
            if abs(x - cx) < 4 * radius and abs(y - cy) < 4 * radius
        }
        assert places(found) == expected
