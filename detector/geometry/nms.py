"""Non-maximum suppression: of detections that lie on one object, keep the best.

N boxes in; out come the indices [K] int64 of those kept, best first, and their scores [K], K at most `limit`.
Boxes: [N, 4] xyxy in pixels, floating point, widths and heights > 0. Scores: [N] >= 0. Labels: [N] int64;
boxes of different labels do not affect each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from detector.dtypes import at_least_float32
from detector.errors import UserError
from detector.geometry.boxes import diou, iou


class Suppression(Protocol):
    """One way to do it."""

    def __call__(self, boxes: Tensor, scores: Tensor, labels: Tensor, *, limit: int) -> tuple[Tensor, Tensor]:
        """(indices of the kept, their scores), best first."""
        ...


@dataclass(frozen=True, kw_only=True)
class GreedyNms:
    """A box is dropped when its IoU with a better kept one is above `iou_threshold`, in [0, 1]."""

    iou_threshold: float

    def __post_init__(self) -> None:
        _check_share("iou_threshold", self.iou_threshold)

    def __call__(self, boxes: Tensor, scores: Tensor, labels: Tensor, *, limit: int) -> tuple[Tensor, Tensor]:
        scores = at_least_float32(scores)
        kept = batched_nms(at_least_float32(boxes), scores, labels, self.iou_threshold)[:limit]
        return kept, scores[kept]


@dataclass(frozen=True, kw_only=True)
class DiouNms:
    """A box is dropped when its DIoU with a better kept one is above `diou_threshold`, in [0, 1].

    DIoU is IoU less the squared distance of the centres over that of the hull's corners: of two boxes that
    overlap as much, the one with its centre elsewhere, so rather on another object, stays.
    Zheng et al., AAAI 2020.
    """

    diou_threshold: float

    def __post_init__(self) -> None:
        _check_share("diou_threshold", self.diou_threshold)

    def __call__(self, boxes: Tensor, scores: Tensor, labels: Tensor, *, limit: int) -> tuple[Tensor, Tensor]:
        def decay(best: Tensor, others: Tensor) -> Tensor:
            return (diou(best, others) <= self.diou_threshold).to(others.dtype)

        return _one_by_one(boxes, scores, labels, limit=limit, decay=decay)


@dataclass(frozen=True, kw_only=True)
class SoftNmsLinear:
    """Scores fall instead of boxes: times 1 - IoU with each better kept box, where that IoU is at least
    `iou_threshold`, in [0, 1]. Bodla et al., ICCV 2017."""

    iou_threshold: float

    def __post_init__(self) -> None:
        _check_share("iou_threshold", self.iou_threshold)

    def __call__(self, boxes: Tensor, scores: Tensor, labels: Tensor, *, limit: int) -> tuple[Tensor, Tensor]:
        def decay(best: Tensor, others: Tensor) -> Tensor:
            overlap = iou(best, others)
            return torch.where(overlap >= self.iou_threshold, 1 - overlap, 1)

        return _one_by_one(boxes, scores, labels, limit=limit, decay=decay)


@dataclass(frozen=True, kw_only=True)
class SoftNmsGaussian:
    """Scores fall instead of boxes: times exp(-IoU^2 / `sigma`) with each better kept box; sigma > 0.

    Bodla et al., ICCV 2017. The smaller sigma, the nearer to dropping every box that touches a better one.
    """

    sigma: float

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise UserError(f"postprocess sigma={self.sigma}: must be above 0")

    def __call__(self, boxes: Tensor, scores: Tensor, labels: Tensor, *, limit: int) -> tuple[Tensor, Tensor]:
        def decay(best: Tensor, others: Tensor) -> Tensor:
            return torch.exp(-(iou(best, others) ** 2) / self.sigma)

        return _one_by_one(boxes, scores, labels, limit=limit, decay=decay)


def _one_by_one(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    limit: int,
    decay: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Keep the best, multiply the scores of the others of its label by decay(it [1, 4], all [N, 4]), repeat.

    Boxes whose score has come to 0 are not kept. `limit` rounds at most. Nothing waits for the device before
    the end, for which the best must stay a tensor of one element: with a scalar, indexing would read it.
    """
    boxes, left = at_least_float32(boxes), at_least_float32(scores).clone()
    rounds = min(limit, len(left))
    kept, kept_scores = labels.new_zeros(rounds), left.new_zeros(rounds)
    for i in range(rounds):
        score, best = left.max(dim=0, keepdim=True)
        kept[i : i + 1], kept_scores[i : i + 1] = best, score
        left *= torch.where(labels == labels[best], decay(boxes[best], boxes), 1)
        left.index_fill_(0, best, 0)
    alive = kept_scores > 0
    return kept[alive], kept_scores[alive]


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UserError(f"postprocess {name}={value}: must lie between 0 and 1")
