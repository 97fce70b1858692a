"""Losses on logits, element by element, unreduced.

logits z are any real numbers, p = sigmoid(z); targets y have the same shape and lie in [0, 1]. All are
built on log p = logsigmoid(z) and log(1 - p) = logsigmoid(-z), which keep their relative precision at both
ends: 1 - p computed by subtraction is 0 from z = 17 on, and a geometric mean takes the loss's logarithm.
Powers are exp(gamma log p), whose gradient is finite for every gamma >= 0, even where p is 0 in float32.

Formulas, plots and worked examples: docs/losses.md.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from detector.errors import UserError
from detector.losses.inputs import float_pair


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-y log p - (1 - y) log(1 - p), [...] >= 0. Soft targets in [0, 1] are welcome."""
    logits, targets = float_pair(logits, targets)
    return -targets * F.logsigmoid(logits) - (1 - targets) * F.logsigmoid(-logits)


def balanced_cross_entropy(logits: Tensor, targets: Tensor, *, beta: float | Tensor) -> Tensor:
    """-beta y log p - (1 - beta) (1 - y) log(1 - p), [...] >= 0.

    beta: weight of the positives in [0, 1], a number or a tensor that broadcasts (one per class, say).
    """
    logits, targets = float_pair(logits, targets)
    positive = -targets * F.logsigmoid(logits)
    negative = -(1 - targets) * F.logsigmoid(-logits)
    return beta * positive + (1 - beta) * negative


def focal(logits: Tensor, targets: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """-alpha_t (1 - p_t)^gamma log p_t, [...] >= 0 (Lin et al., ICCV 2017).

    alpha: weight of the positives in [0, 1], negatives get 1 - alpha. gamma >= 0; 0 is balanced
    cross-entropy with beta = alpha. Soft targets, which the paper leaves out, mix the two cases linearly:
    y focal(1) + (1 - y) focal(0), the mean over labels drawn with probability y.
    """
    logits, targets = float_pair(logits, targets)
    positive, negative = _focal_cases(logits, gamma)
    return alpha * targets * positive + (1 - alpha) * (1 - targets) * negative


def bce_focal(
    logits: Tensor,
    targets: Tensor,
    *,
    alpha: float,
    gamma: float,
    bce_weight: float,
    focal_weight: float,
) -> Tensor:
    """bce_weight BCE + focal_weight alpha (1 - p_t)^gamma BCE, [...] >= 0.

    alpha multiplies both classes here, unlike in `focal`: 1 means no class weighting. gamma 0 gives
    cross-entropy back (at alpha 1 and weights that sum to 1).
    """
    logits, targets = float_pair(logits, targets)
    positive, negative = _focal_cases(logits, gamma)
    modulated = targets * positive + (1 - targets) * negative
    return bce_weight * cross_entropy(logits, targets) + focal_weight * alpha * modulated


def quality_focal(logits: Tensor, quality: Tensor, *, beta: float = 2.0) -> Tensor:
    """|q - p|^beta BCE(p, q), [...] >= 0: least where p = q, the box's quality (Li et al., NeurIPS 2020).

    quality: q in [0, 1], 0 for negatives; detach it where it comes from the prediction. beta is 0 or at
    least 1: between them the gradient is infinite at p = q.
    """
    if beta < 1 and beta != 0:
        raise UserError(f"quality_focal: beta must be 0 or at least 1, found {beta}")
    logits, quality = float_pair(logits, quality)
    distance = (quality - logits.sigmoid()).abs()
    return distance**beta * cross_entropy(logits, quality)


def varifocal(logits: Tensor, quality: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """q BCE(p, q) where q > 0, -alpha p^gamma log(1 - p) where q = 0, [...] >= 0 (Zhang et al., CVPR 2021).

    Only negatives are down-weighted when easy; positives count by their quality q in [0, 1]. Detach
    quality where it comes from the prediction. gamma >= 0.
    """
    _check_gamma(gamma)
    logits, quality = float_pair(logits, quality)
    log_p, log_not_p = F.logsigmoid(logits), F.logsigmoid(-logits)
    positive = -quality * (quality * log_p + (1 - quality) * log_not_p)
    return torch.where(quality > 0, positive, -alpha * (gamma * log_p).exp() * log_not_p)


def _focal_cases(logits: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """Focal loss without alpha, were the target 1 and were it 0: -(1-p)^gamma log p, -p^gamma log(1-p)."""
    _check_gamma(gamma)
    log_p, log_not_p = F.logsigmoid(logits), F.logsigmoid(-logits)
    return -(gamma * log_not_p).exp() * log_p, -(gamma * log_p).exp() * log_not_p


def _check_gamma(gamma: float) -> None:
    if gamma < 0:
        raise UserError(
            f"gamma must be >= 0, found {gamma}: a negative one favours easy samples without bound"
        )
