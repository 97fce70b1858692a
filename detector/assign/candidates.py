"""What every assigner needs: the points near a truth, conflicts over a point, points in ignored regions.

Prediction points lie on regular grids, so the points near a box are found by arithmetic. Everything here
works on [B, G, K] windows of K candidates around each truth and never builds the [B, G, P] table of every
truth against every point, which at stride 4 would cost more than the network. All shapes are static.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from detector.errors import UserError
from detector.tensors import Assignment, Grid, GridLevel, HeadOutput, Targets


def grid_of_head(head_output: HeadOutput) -> Grid:
    """The head's grid; UserError where it has none, as these assigners find candidates by place."""
    if head_output.grid is None:
        raise UserError("assigner: this one needs a head with a grid of points, and the model's has none")
    return head_output.grid


def gather_points(values: Tensor, index: Tensor) -> Tensor:
    """values [B, P, D] at index [B, G, K] -> [B, G, K, D]."""
    batch, truths, window = index.shape
    flat = index.reshape(batch, truths * window, 1).expand(-1, -1, values.shape[-1])
    return values.gather(1, flat).reshape(batch, truths, window, -1)


def nearest_points(levels: Sequence[GridLevel], boxes: Tensor, *, window: int) -> tuple[Tensor, Tensor]:
    """The window x window grid points of every level that are nearest to each box's centre.

    boxes [B, G, 4]. Returns index [B, G, K] int64 into P and on_grid [B, G, K] bool, false where the window
    sticks out of the frame (its index then repeats a border point). K = len(levels) * window ** 2.
    """
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    steps = torch.arange(window, device=boxes.device)
    indices, on_grids = [], []
    offset = 0
    for level in levels:
        first = torch.ceil(centres / level.stride - 0.5 - window / 2).long()
        columns = first[..., 0:1] + steps
        rows = first[..., 1:2] + steps
        column_ok = (columns >= 0) & (columns < level.width)
        row_ok = (rows >= 0) & (rows < level.height)
        flat = rows.clamp(0, level.height - 1)[..., :, None] * level.width
        flat = flat + columns.clamp(0, level.width - 1)[..., None, :]
        indices.append(flat.flatten(-2) + offset)
        on_grids.append((row_ok[..., :, None] & column_ok[..., None, :]).flatten(-2))
        offset += level.height * level.width
    return torch.cat(indices, dim=-1), torch.cat(on_grids, dim=-1)


def inside(points: Tensor, boxes: Tensor) -> Tensor:
    """Whether points [B, G, K, 2] lie strictly inside their boxes [B, G, 4]: [B, G, K] bool."""
    boxes = boxes[..., None, :]
    return ((points > boxes[..., :2]) & (points < boxes[..., 2:])).all(dim=-1)


def grow(boxes: Tensor, *, half: float | Tensor) -> Tensor:
    """Boxes [..., 4] with half-width and half-height of at least `half` pixels about the same centre.

    A box smaller than a stride may hold no point at all; with `half` of one stride it holds one to four.
    """
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    extent = ((boxes[..., 2:] - boxes[..., :2]) / 2).clamp(min=half)
    return torch.cat([centres - extent, centres + extent], dim=-1)


def covered(levels: Sequence[GridLevel], boxes: Tensor, mask: Tensor) -> Tensor:
    """Whether each point lies in one of the masked boxes: boxes [B, G, 4], mask [B, G] -> [B, P] bool.

    A point on a box's edge is in it. A point is in a box when its row and its column are, so one small matrix
    product per level tells.
    """
    covers = []
    for level in levels:
        x = (torch.arange(level.width, device=boxes.device) + 0.5) * level.stride
        y = (torch.arange(level.height, device=boxes.device) + 0.5) * level.stride
        columns = (x >= boxes[..., 0:1]) & (x <= boxes[..., 2:3]) & mask[..., None]
        rows = (y >= boxes[..., 1:2]) & (y <= boxes[..., 3:4])
        hits = rows.float().transpose(1, 2) @ columns.float()
        covers.append((hits > 0).flatten(1))
    return torch.cat(covers, dim=1)


def resolve_conflicts(index: Tensor, chosen: Tensor, priority: Tensor, *, points: int) -> Tensor:
    """One truth per point: of all truths that chose a point the one of highest priority keeps it.

    index [B, G, K] int64 into P; chosen [B, G, K] bool; priority [B, G, K] >= 0, read where chosen.
    Equal priorities go to the truth that comes first. Returns the choices that stand, [B, G, K] bool.
    """
    batch, truths, window = index.shape
    flat = index.reshape(batch, -1)
    claim = torch.where(chosen, priority, -1.0).reshape(batch, -1)
    best = claim.new_full((batch, points), -1.0).scatter_reduce(1, flat, claim, reduce="amax")
    leads = (claim >= 0) & (claim == best.gather(1, flat))
    order = torch.arange(truths, device=index.device)[:, None].expand(truths, window).reshape(1, -1)
    order = torch.where(leads, order, truths)
    first = torch.full_like(best, truths, dtype=torch.long).scatter_reduce(1, flat, order, reduce="amin")
    return (leads & (order == first.gather(1, flat))).reshape(batch, truths, window)


def to_assignment(
    index: Tensor,
    won: Tensor,
    quality: Tensor,
    *,
    per_truth: int,
    head_output: HeadOutput,
    targets: Targets,
) -> Assignment:
    """Spread the choices that stand over the points.

    index, won, quality [B, G, K] (quality in [0, 1]); `won` holds at most one choice per point, and at most
    `per_truth` per truth.
    """
    batch, truths, window = index.shape
    grid = grid_of_head(head_output)
    points = grid.points.shape[0]
    flat = index.reshape(batch, -1)
    number = torch.arange(1, truths + 1, device=index.device)[:, None].expand(truths, window).reshape(1, -1)
    number = torch.where(won.reshape(batch, -1), number, 0)
    owner = torch.zeros(batch, points, dtype=torch.long, device=index.device)
    owner = owner.scatter_reduce(1, flat, number, reduce="amax")
    worth = torch.where(won, quality.float(), 0).reshape(batch, -1)
    spread = worth.new_zeros(batch, points).scatter_reduce(1, flat, worth, reduce="amax")
    positive = owner > 0
    matched = (owner - 1).clamp(min=0)
    labels = targets.labels.gather(1, matched)
    boxes = targets.boxes.gather(1, matched[..., None].expand(-1, -1, 4))
    # An ignored region between the points of the finest level would teach that it is background.
    regions = grow(targets.boxes, half=grid.finest / 2)
    return Assignment(
        positive=positive,
        ignored=covered(grid.levels, regions, targets.ignored) & ~positive,
        matched=matched,
        labels=torch.where(positive, labels, 0),
        boxes=torch.where(positive[..., None], boxes, 0),
        quality=spread,
        most=batch * min(truths * per_truth, points),
    )
