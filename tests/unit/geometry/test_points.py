"""Points and the distances that write boxes from them."""

from __future__ import annotations

import torch

from detector.geometry.points import centres, decode, encode, grid_of
from detector.tensors import GridLevel


def test_points_are_cell_centres_row_by_row():
    points = centres(2, 3, stride=4, device="cpu")
    assert points.tolist() == [[2, 2], [6, 2], [10, 2], [2, 6], [6, 6], [10, 6]]


def test_a_grid_keeps_the_order_of_its_levels():
    levels = [GridLevel(1, 2, 4), GridLevel(1, 1, 8)]
    grid = grid_of(levels, device="cpu")
    assert grid.points.tolist() == [[2, 2], [6, 2], [4, 4]]
    assert grid.strides.tolist() == [4, 4, 8]
    assert grid.levels == tuple(levels)


def test_distances_are_left_top_right_bottom():
    points, box = torch.tensor([[10.0, 20.0]]), torch.tensor([[7.0, 18.0, 14.0, 25.0]])
    assert encode(points, box).tolist() == [[3, 2, 4, 5]]
    assert decode(points, torch.tensor([[3.0, 2, 4, 5]])).tolist() == box.tolist()


def test_a_point_outside_its_box_has_a_negative_distance():
    assert encode(torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, -3, 5, 4]])).tolist() == [[-2, 3, 5, 4]]


def test_decoding_undoes_encoding_for_every_image_of_a_batch():
    torch.manual_seed(0)
    points = centres(4, 5, stride=8, device="cpu")
    corner = torch.rand(3, 20, 2) * 40
    boxes = torch.cat((corner, corner + torch.rand(3, 20, 2) * 30), dim=-1)
    torch.testing.assert_close(decode(points, encode(points, boxes)), boxes)
