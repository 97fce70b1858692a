"""Box regression losses, unreduced.

Two families. On offsets or edges t [..., 4], in any unit: `mse`, `smooth_l1`, `huber` and `paper` per
coordinate, `norm_huber` per box; from one point the offsets err as the edges do. On xyxy boxes in pixels,
[..., 4] -> [...]: `iou_loss` and its kin, one minus a similarity of detector/geometry/boxes.py. Formulas,
plots, worked examples: docs/losses.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

from detector.errors import UserError
from detector.geometry import boxes
from detector.losses.inputs import float_pair


def mse(predicted: Tensor, target: Tensor) -> Tensor:
    """d^2 for every coordinate, d = predicted - target: [..., 4] -> [..., 4]."""
    predicted, target = float_pair(predicted, target)
    return (predicted - target) ** 2


def smooth_l1(predicted: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """d^2 / (2 delta) up to |d| = delta, |d| - delta / 2 beyond: Huber over delta, slope 1 in the tail."""
    return huber(predicted, target, delta=delta) / delta


def huber(predicted: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """d^2 / 2 up to |d| = delta, delta (|d| - delta / 2) beyond, per coordinate: [..., 4] -> [..., 4]."""
    _check_delta(delta)
    predicted, target = float_pair(predicted, target)
    distance = (predicted - target).abs()
    return torch.where(distance <= delta, distance**2 / 2, delta * (distance - delta / 2))


def paper(predicted: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """The source's box loss as printed: d^2 / 2 up to |d| = delta, |d| - delta / 2 beyond.

    Discontinuous at |d| = delta unless delta = 1: delta^2 / 2 meets delta / 2. Kept to reproduce; `huber`
    and `smooth_l1` are its two continuous repairs.
    """
    _check_delta(delta)
    predicted, target = float_pair(predicted, target)
    distance = (predicted - target).abs()
    return torch.where(distance <= delta, distance**2 / 2, distance - delta / 2)


def norm_huber(predicted: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Huber of the length of the whole error, ||t - t_hat||: [..., 4] -> [...].

    Unchanged when both vectors are translated or rotated; the coordinate-wise losses stand only translation.
    """
    _check_delta(delta)
    predicted, target = float_pair(predicted, target)
    squared = ((predicted - target) ** 2).sum(-1)
    # The floor keeps the root away from 0, where it has no gradient; the branch it changes is not taken.
    length = squared.clamp(min=delta**2).sqrt()
    return torch.where(squared <= delta**2, squared / 2, delta * (length - delta / 2))


def iou_loss(predicted: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """1 - IoU, [...] in [0, 1]; no gradient where the boxes do not meet."""
    return 1 - boxes.iou(*float_pair(predicted, target), eps=eps)


def giou_loss(predicted: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """1 - GIoU, [...] in [0, 2]."""
    return 1 - boxes.giou(*float_pair(predicted, target), eps=eps)


def diou_loss(predicted: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """1 - DIoU, [...] in [0, 2]."""
    return 1 - boxes.diou(*float_pair(predicted, target), eps=eps)


def ciou_loss(predicted: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """1 - CIoU, [...] in [0, 2.5]; its weight alpha passes no gradient, see `boxes.ciou`."""
    return 1 - boxes.ciou(*float_pair(predicted, target), eps=eps)


def nwd_loss(predicted: Tensor, target: Tensor, *, constant: float, eps: float = 1e-7) -> Tensor:
    """1 - normalised Wasserstein similarity, [...] in [0, 1), for objects of a few pixels.

    constant: pixels, about the mean side of the objects; the paper's is 12.8, for the AI-TOD set.
    """
    return 1 - boxes.nwd(*float_pair(predicted, target), constant=constant, eps=eps)


def giou_nwd_loss(predicted: Tensor, target: Tensor, *, constant: float, share: float = 0.5) -> Tensor:
    """(1 - share) GIoU loss + share NWD loss, [...] in [0, 2], for objects of few and of many pixels.

    GIoU's gradient is steep where a box is small and flat where it misses; the Wasserstein term is the other
    way round. share in [0, 1]; constant as for `nwd_loss`.
    """
    return (1 - share) * giou_loss(predicted, target) + share * nwd_loss(predicted, target, constant=constant)


def _check_delta(delta: float) -> None:
    if not delta > 0:
        raise UserError(f"delta of a box loss must be > 0, found {delta}")
