"""Dice and IoU losses of a set of probabilities, a map or the points of a batch.

Both are written as the share of what went wrong, (fp + fn) / (...), which equals 1 - overlap but does
not cancel: a loss of 1e-6 keeps its digits. Formulas, plots and worked examples: docs/losses.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

from detector.losses.sums import confusion_sums


def dice(
    probs: Tensor,
    targets: Tensor,
    *,
    smooth: float,
    weights: Tensor | None = None,
    dim: int | tuple[int, ...] | None = None,
) -> Tensor:
    """1 - (2 sum p y + s) / (sum p + sum y + s) of each set, in [0, 1].

    probs, targets: one shape, in [0, 1]; weights, dim: see `confusion_sums`. smooth >= 0: a larger one
    forgives false alarms in sets with few or no positives.
    """
    return dice_from_sums(*confusion_sums(probs, targets, weights=weights, dim=dim), smooth=smooth)


def soft_iou(
    probs: Tensor,
    targets: Tensor,
    *,
    smooth: float,
    weights: Tensor | None = None,
    dim: int | tuple[int, ...] | None = None,
) -> Tensor:
    """1 - (sum p y + s) / (sum p + sum y - sum p y + s) of each set, in [0, 1]. Arguments as for `dice`."""
    return soft_iou_from_sums(*confusion_sums(probs, targets, weights=weights, dim=dim), smooth=smooth)


def dice_from_sums(tp: Tensor, fp: Tensor, fn: Tensor, *, smooth: float) -> Tensor:
    """Dice loss from soft counts (see `ConfusionSums`); 0 for a set without anything in it."""
    return _share(fp + fn, 2 * tp + fp + fn + smooth)


def soft_iou_from_sums(tp: Tensor, fp: Tensor, fn: Tensor, *, smooth: float) -> Tensor:
    """IoU loss from soft counts (see `ConfusionSums`); 0 for a set without anything in it."""
    return _share(fp + fn, tp + fp + fn + smooth)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    # The floor acts only on an empty set with smooth = 0, where it makes 0 / 0 a 0.
    return part / whole.clamp(min=torch.finfo(whole.dtype).tiny)
