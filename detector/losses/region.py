"""Dice and IoU losses of a set of probabilities, a map or the points of a batch.

Both are written as the share of what went wrong, (fp + fn) / (...), which equals 1 - overlap but does
not cancel: a loss of 1e-6 keeps its digits. Formulas, plots and worked examples: docs/losses.md.
"""

from __future__ import annotations

import torch
from torch import Tensor


def dice_from_sums(tp: Tensor, fp: Tensor, fn: Tensor, *, smooth: float) -> Tensor:
    """Dice loss from soft counts (see `ConfusionSums`); 0 for a set without anything in it."""
    return _share(fp + fn, 2 * tp + fp + fn + smooth)


def soft_iou_from_sums(tp: Tensor, fp: Tensor, fn: Tensor, *, smooth: float) -> Tensor:
    """IoU loss from soft counts (see `ConfusionSums`); 0 for a set without anything in it."""
    return _share(fp + fn, tp + fp + fn + smooth)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    # The floor acts only on an empty set with smooth = 0, where it makes 0 / 0 a 0.
    return part / whole.clamp(min=torch.finfo(whole.dtype).tiny)
