"""Windows of near points, conflicts over a point, points in regions: all against plain loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from detector.assign.candidates import covered, grow, inside, nearest_points, resolve_conflicts
from tests.heads import LEVELS, random_head, random_targets
from tests.unit.assign.naive import near_points

POINTS = sum(level.height * level.width for level in LEVELS)


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_the_window_holds_the_points_nearest_to_the_centre(window: int):
    boxes = random_targets(counts=[20, 20]).boxes * 1.5 - 8  # Some centres outside the frame.
    index, on_grid = nearest_points(LEVELS, boxes, window=window)
    assert index.shape == (2, 20, len(LEVELS) * window**2)
    for b in range(2):
        for g in range(20):
            expected = set().union(*near_points(LEVELS, boxes[b, g].tolist(), window=window))
            found = index[b, g][on_grid[b, g]].tolist()
            assert len(found) == len(set(found)), "a point came twice"
            assert set(found) == expected


def test_places_off_the_grid_point_into_their_own_level():
    far = torch.tensor([[[-1e4, -1e4, -1e4, -1e4], [1e4, 1e4, 1e4, 1e4]]])
    index, on_grid = nearest_points(LEVELS, far, window=3)
    assert not on_grid.any()
    assert index[0, 0].unique().tolist() == [0, 64, 80]
    assert index[0, 1].unique().tolist() == [63, 79, 83]


def test_a_point_on_the_edge_of_a_box_is_outside():
    points = torch.tensor([[2.0, 2], [4, 3], [3, 4], [2, 6], [4.1, 4], [3, 3]])[None, None]
    box = torch.tensor([[[2.0, 2, 4, 6]]])
    assert inside(points, box).tolist() == [[[False, False, True, False, False, True]]]


def test_growing_keeps_the_centre_and_larger_sides():
    boxes = torch.tensor([[10.0, 10, 11, 30]])
    assert grow(boxes, half=4.0).tolist() == [[6.5, 10, 14.5, 30]]
    assert torch.equal(grow(boxes, half=0.5), boxes)


def test_covered_points_are_those_in_a_marked_box():
    targets = random_targets(counts=[6, 6, 6], seed=3)
    mask = torch.rand(3, 6, generator=torch.Generator().manual_seed(0)) < 0.5
    mask[2] = False
    found = covered(LEVELS, targets.boxes, mask)
    points = random_head().grid.points.tolist()
    for b in range(3):
        boxes = targets.boxes[b][mask[b]].tolist()
        for p, (x, y) in enumerate(points):
            expected = any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in boxes)
            assert found[b, p].item() == expected
    assert found[:2].any()


def naive_conflicts(index: Tensor, chosen: Tensor, priority: Tensor) -> Tensor:
    stands = torch.zeros_like(chosen)
    for b in range(len(index)):
        best: dict[int, tuple[float, int, int]] = {}
        for g in range(index.shape[1]):
            for k in range(index.shape[2]):
                point, worth = int(index[b, g, k]), priority[b, g, k].item()
                if chosen[b, g, k] and (point not in best or worth > best[point][0]):
                    best[point] = (worth, g, k)
        for _, g, k in best.values():
            stands[b, g, k] = True
    return stands


@pytest.mark.parametrize("levels_of_priority", [1, 3, 10**6])
def test_the_highest_priority_keeps_a_point_and_ties_go_to_the_first(levels_of_priority: int):
    generator = torch.Generator().manual_seed(levels_of_priority)
    # Within a truth's window no point comes twice but off the grid, where it is not chosen.
    index = torch.stack([torch.randperm(15, generator=generator)[:8] for _ in range(4 * 6)]).reshape(4, 6, 8)
    chosen = torch.rand(4, 6, 8, generator=generator) < 0.6
    priority = torch.randint(levels_of_priority, (4, 6, 8), generator=generator) / levels_of_priority
    assert torch.equal(
        resolve_conflicts(index, chosen, priority, points=15), naive_conflicts(index, chosen, priority)
    )


def test_tiny_differences_of_priority_decide():
    index, chosen = torch.zeros(1, 2, 1, dtype=torch.long), torch.ones(1, 2, 1, dtype=torch.bool)
    priority = torch.tensor([1e-12, 2e-12]).reshape(1, 2, 1)
    assert resolve_conflicts(index, chosen, priority, points=1).flatten().tolist() == [False, True]


def test_a_choice_with_priority_zero_still_counts():
    index, chosen = torch.zeros(1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1, dtype=torch.bool)
    assert resolve_conflicts(index, chosen, torch.zeros(1, 1, 1), points=1).all()
