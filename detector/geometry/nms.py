"""Non-maximum suppression: of detections that lie on one object, keep the best. Needs no torch.

N boxes in; out come the indices [K] int64 of those kept, best first, and their scores [K], K at most `limit`.
Boxes: [N, 4] xyxy in pixels, float32, widths and heights > 0. Scores: [N] float32 >= 0. Labels: [N] int64;
boxes of different labels do not affect each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from detector.errors import UserError

# It takes arrays, which are many times faster than the lists that its declaration asks for.
_NMS: Callable[..., Sequence[int]] = cv2.dnn.NMSBoxesBatched

Kept = tuple[np.ndarray, np.ndarray]
"""(indices of the kept, their scores), best first."""


class Suppression(Protocol):
    """One way to do it."""

    def __call__(self, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept: ...


@dataclass(frozen=True, kw_only=True)
class GreedyNms:
    """A box is dropped when its IoU with a better kept one is above `iou_threshold`, in [0, 1]."""

    iou_threshold: float

    def __post_init__(self) -> None:
        _check_share("iou_threshold", self.iou_threshold)

    def __call__(self, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept:
        sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1, dtype=np.float64)
        # The first threshold is of scores: -1, all of them count.
        kept = _NMS(sides, scores, labels.astype(np.int32), -1.0, self.iou_threshold)
        chosen = np.array(kept[:limit], np.int64)
        return chosen, scores[chosen]


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

    def __call__(self, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept:
        def decay(best: np.ndarray, others: np.ndarray) -> np.ndarray:
            return diou_with(best, others) <= self.diou_threshold

        return _one_by_one(boxes, scores, labels, limit=limit, decay=decay)


@dataclass(frozen=True, kw_only=True)
class SoftNmsLinear:
    """Scores fall instead of boxes: times 1 - IoU with each better kept box, where that IoU is at least
    `iou_threshold`, in [0, 1]. Bodla et al., ICCV 2017."""

    iou_threshold: float

    def __post_init__(self) -> None:
        _check_share("iou_threshold", self.iou_threshold)

    def __call__(self, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept:
        def decay(best: np.ndarray, others: np.ndarray) -> np.ndarray:
            overlap = iou_with(best, others)
            return np.where(overlap >= self.iou_threshold, 1 - overlap, 1)

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

    def __call__(self, boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, limit: int) -> Kept:
        def decay(best: np.ndarray, others: np.ndarray) -> np.ndarray:
            return np.exp(-(iou_with(best, others) ** 2) / self.sigma)

        return _one_by_one(boxes, scores, labels, limit=limit, decay=decay)


def iou_with(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[N] IoU of one box [4] with each of boxes [N, 4]; geometry/boxes.py has the one with gradients."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = sides.clip(min=0).prod(1)
    return shared / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - shared)


def diou_with(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[N] DIoU of one box [4] with each of boxes [N, 4]."""
    between = (box[:2] + box[2:] - boxes[:, :2] - boxes[:, 2:]) / 2
    hull = np.maximum(box[2:], boxes[:, 2:]) - np.minimum(box[:2], boxes[:, :2])
    return iou_with(box, boxes) - (between**2).sum(1) / (hull**2).sum(1)


def _one_by_one(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    *,
    limit: int,
    decay: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Kept:
    """Keep the best, multiply the scores of the others of its label by decay(it [4], all [N, 4]), repeat.

    Boxes whose score has come to 0 are not kept. `limit` rounds at most.
    """
    left = scores.astype(np.float32)
    kept: list[int] = []
    kept_scores: list[float] = []
    for _ in range(min(limit, len(left))):
        best = int(left.argmax())
        if left[best] <= 0:
            break
        kept.append(best)
        kept_scores.append(left[best])
        left *= np.where(labels == labels[best], decay(boxes[best], boxes), 1)
        left[best] = 0
    return np.array(kept, np.int64), np.array(kept_scores, np.float32)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UserError(f"postprocess {name}={value}: must lie between 0 and 1")
