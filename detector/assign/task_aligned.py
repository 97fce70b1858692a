"""Dynamic assignment by how well a point both classifies and localises a truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from detector.assign.candidates import (
    gather_points,
    grid_of_head,
    grow,
    inside,
    nearest_points,
    resolve_conflicts,
    to_assignment,
)
from detector.errors import UserError
from detector.geometry.boxes import iou
from detector.tensors import Assignment, HeadOutput, Targets


@dataclass(frozen=True)
class TaskAligned:
    """Task-aligned assignment (Feng et al. 2021, TOOD, eq. 5-6), on windows of near points.

    Every truth takes the `top_k` of its candidates with the highest t = score^alpha * IoU^beta, where score
    is the predicted probability of its class. A point wanted by several truths goes to the one whose box it
    predicts best. Quality is t, scaled so that a truth's best point gets that truth's best IoU.

    window: candidates are the window x window nearest points of each level; reach: a box's candidates lie
    inside it, or inside a box of +- reach finest strides about its centre where it is smaller than that;
    min_quality: floor of a truth's best quality, so that one which no prediction meets still teaches.
    """

    top_k: int
    alpha: float
    beta: float
    window: int
    reach: float
    min_quality: float

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.window < 1:
            raise UserError(
                f"assigner.top_k and window must be at least 1, found {self.top_k} and {self.window}"
            )
        if not self.reach > 0.5:
            raise UserError(f"assigner.reach={self.reach}: must be > 0.5, or a truth may have no point")

    @torch.no_grad()
    def __call__(self, head_output: HeadOutput, targets: Targets) -> Assignment:
        grid = grid_of_head(head_output)
        index, on_grid = nearest_points(grid.levels, targets.boxes, window=self.window)
        near = inside(grid.points[index], grow(targets.boxes, half=self.reach * grid.finest))
        allowed = on_grid & near & targets.valid[..., None]

        predicted = gather_points(head_output.boxes, index)
        overlap = iou(predicted, targets.boxes[..., None, :]).float()
        labels = targets.labels.clamp(min=0)[..., None, None].expand(*index.shape, 1)
        score = gather_points(head_output.logits, index).gather(-1, labels).squeeze(-1).float().sigmoid()
        aligned = torch.where(allowed, score**self.alpha * overlap**self.beta, -1.0)

        best = aligned.topk(min(self.top_k, aligned.shape[-1]), dim=-1).indices
        chosen = torch.zeros_like(allowed).scatter(-1, best, True) & allowed
        won = resolve_conflicts(index, chosen, overlap, points=grid.points.shape[0])

        aligned = torch.where(won, aligned, 0)
        best_aligned = aligned.amax(dim=-1, keepdim=True)
        best_overlap = torch.where(won, overlap, 0).amax(dim=-1, keepdim=True)
        # A truth that no prediction meets has t = 0 at all its points: none is better than another.
        share = torch.where(best_aligned > 0, aligned / best_aligned, 1.0)
        quality = share * best_overlap.clamp(min=self.min_quality)
        return to_assignment(
            index,
            won,
            quality,
            per_truth=best.shape[-1],
            head_output=head_output,
            targets=targets,
        )
