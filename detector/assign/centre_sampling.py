"""Static assignment by size and position alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from detector.assign.candidates import (
    grid_of_head,
    grow,
    inside,
    nearest_points,
    resolve_conflicts,
    to_assignment,
)
from detector.errors import UserError
from detector.tensors import Assignment, HeadOutput, Targets


@dataclass(frozen=True)
class CentreSampling:
    """Centre sampling (Tian et al. 2019, FCOS): the level follows from the size of the box, the positives are
    the points of that level inside it and near its centre, and a point wanted by several truths goes to the
    smallest.

    radius: half-width of the square about the centre, in strides of the level, > 0.5; a box narrower than two
    strides counts as that wide, so every truth whose centre is in the frame has points. cells: side of a box
    (root of its area), in strides, up to which a level is fine enough; the coarsest level takes all larger
    ones. Quality is 1 at every positive.
    """

    radius: float
    cells: float

    def __post_init__(self) -> None:
        if not self.radius > 0.5:
            raise UserError(f"assigner.radius={self.radius}: must be > 0.5, or a truth may have no point")

    @torch.no_grad()
    def __call__(self, head_output: HeadOutput, targets: Targets) -> Assignment:
        grid, boxes = grid_of_head(head_output), targets.boxes
        window = math.ceil(2 * self.radius)  # No more points than that lie inside the square.
        index, on_grid = nearest_points(grid.levels, boxes, window=window)
        side = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1).sqrt()

        stride = torch.full_like(side, grid.levels[0].stride)
        for finer, level in zip(grid.levels, grid.levels[1:], strict=False):
            stride = torch.where(side > self.cells * finer.stride, level.stride, stride)
        half = self.radius * stride[..., None]
        centre = (boxes[..., :2] + boxes[..., 2:]) / 2
        square = torch.cat([centre - half, centre + half], dim=-1)
        points = grid.points[index]
        chosen = (
            on_grid
            & (grid.strides[index] == stride[..., None])
            & inside(points, square)
            & inside(points, grow(boxes, half=stride[..., None]))
            & targets.valid[..., None]
        )
        smaller_first = (1 / (1 + side))[..., None].expand(index.shape)
        won = resolve_conflicts(index, chosen, smaller_first, points=grid.points.shape[0])
        return to_assignment(
            index,
            won,
            won.float(),
            per_truth=window * window,
            head_output=head_output,
            targets=targets,
        )
