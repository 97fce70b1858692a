"""Box formats and overlaps: the only copy of box maths in the project.

A box is the last dim of a [..., 4] tensor, xyxy in pixels unless the name says otherwise. Leading dims are
batch dims. Everything here is differentiable, computed in at least float32, free of host
synchronisation and of in-place writes, and runs on any device, `meta` included.

A box whose right edge is left of its left edge (or bottom above top) is inverted: it counts as empty. Empty
boxes give finite values and finite gradients everywhere. `eps` is a floor for denominators, not an addend:
where areas are above it (in pixels, always) it changes nothing, so a box overlaps itself by exactly 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from detector.dtypes import at_least_float32


def area(boxes: Tensor) -> Tensor:
    """[..., 4] -> [...] square pixels; 0 for an inverted box."""
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    return _span(x1, x2) * _span(y1, y2)


def iou(a: Tensor, b: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Intersection over union of aligned boxes, [..., 4] x [..., 4] -> [...] in [0, 1].

    Leading dims broadcast. Two empty boxes give 0.
    """
    inter, union = _inter_union(a, b)
    return inter / union.clamp(min=eps)


def giou(a: Tensor, b: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Generalised IoU, [...] in [-1, 1]: IoU less the share of the hull that neither box covers.

    Rezatofighi et al., CVPR 2019.
    """
    inter, union = _inter_union(a, b)
    width, height = _hull(a, b)
    hull = width * height
    return inter / union.clamp(min=eps) - (hull - union) / hull.clamp(min=eps)


def diou(a: Tensor, b: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Distance IoU, [...] in [-1, 1]: IoU less (distance of centres / diagonal of hull) squared.

    Zheng et al., AAAI 2020.
    """
    return iou(a, b, eps=eps) - _centre_penalty(a, b, eps)


def ciou(a: Tensor, b: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Complete IoU, [...]: DIoU less alpha v, where v in [0, 1] compares the aspect ratios.

    Zheng et al., AAAI 2020. alpha = v / (1 - IoU + v) is a weight, not a term: as in that paper no
    gradient flows through it, so the gradient is that of DIoU - alpha v at constant alpha. The gradient
    of v grows as 1 / side: it is steep, though finite, for boxes far below a pixel.
    """
    overlap = iou(a, b, eps=eps)
    v = (4 / math.pi**2) * (_aspect_angle(a, eps) - _aspect_angle(b, eps)) ** 2
    alpha = (v / (1 - overlap + v).clamp(min=eps)).detach()
    return overlap - _centre_penalty(a, b, eps) - alpha * v


def nwd(a: Tensor, b: Tensor, *, constant: float, eps: float = 1e-7) -> Tensor:
    """Normalised Wasserstein similarity of the boxes' Gaussians, [...] in (0, 1].

    exp(-d / constant), d the 2-Wasserstein distance in pixels between normal distributions with the
    boxes' centres and (w/2, h/2) as standard deviations. Unlike IoU it does not fall to 0 when
    small boxes miss each other by a pixel. Wang et al. 2021, arXiv:2110.13389.

    constant: pixels, about the mean side of the objects. eps: square pixels, rounds the tip of the
    distance's cone so that its gradient is 0, not undefined, at a == b.
    """
    centre_a, half_a = _centre_half(a)
    centre_b, half_b = _centre_half(b)
    squared = ((centre_a - centre_b) ** 2).sum(-1) + ((half_a - half_b) ** 2).sum(-1)
    # = sqrt(squared + eps) - sqrt(eps), without the cancellation.
    distance = squared / ((squared + eps).sqrt() + math.sqrt(eps))
    return torch.exp(-distance / constant)


def _span(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp(min=0)


def _intersection(a: Tensor, b: Tensor) -> Tensor:
    # Unbound before they broadcast: [N, 1, 4] with [M, 4] never builds an [N, M, 4] tensor.
    ax1, ay1, ax2, ay2 = at_least_float32(a).unbind(-1)
    bx1, by1, bx2, by2 = at_least_float32(b).unbind(-1)
    width = _span(torch.maximum(ax1, bx1), torch.minimum(ax2, bx2))
    height = _span(torch.maximum(ay1, by1), torch.minimum(ay2, by2))
    return width * height


def _inter_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    inter = _intersection(a, b)
    return inter, area(a) + area(b) - inter


def _hull(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Width and height of the smallest box around both."""
    ax1, ay1, ax2, ay2 = at_least_float32(a).unbind(-1)
    bx1, by1, bx2, by2 = at_least_float32(b).unbind(-1)
    width = _span(torch.minimum(ax1, bx1), torch.maximum(ax2, bx2))
    height = _span(torch.minimum(ay1, by1), torch.maximum(ay2, by2))
    return width, height


def _centre_half(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and signed half sides, [..., 2] each."""
    low, high = at_least_float32(boxes).split(2, dim=-1)
    return (low + high) / 2, (high - low) / 2


def _centre_penalty(a: Tensor, b: Tensor, eps: float) -> Tensor:
    centre_a, _ = _centre_half(a)
    centre_b, _ = _centre_half(b)
    width, height = _hull(a, b)
    diagonal = width**2 + height**2
    return ((centre_a - centre_b) ** 2).sum(-1) / diagonal.clamp(min=eps)


def _aspect_angle(boxes: Tensor, eps: float) -> Tensor:
    """arctan(w / h), h held at eps or above: the slope by either side, about 1 / h, stays under 1 / eps."""
    x1, y1, x2, y2 = at_least_float32(boxes).unbind(-1)
    return torch.atan2(_span(x1, x2), _span(y1, y2).clamp(min=eps))
