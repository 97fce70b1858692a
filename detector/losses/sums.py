"""The three sums that the losses of a set are made of.

Dice, IoU and F-beta are not means over elements, so they cannot be averaged over ranks or parts of a batch:
add these sums up first, then turn them into a loss (`dice_from_sums` and so on).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from detector.dtypes import at_least_float32
from detector.losses.inputs import float_pair


class ConfusionSums(NamedTuple):
    """Soft counts >= 0: tp = sum w p y, fp = sum w p (1 - y), fn = sum w (1 - p) y."""

    tp: Tensor
    fp: Tensor
    fn: Tensor


def confusion_sums(
    probs: Tensor, targets: Tensor, *, weights: Tensor | None = None, dim: int | tuple[int, ...] | None = None
) -> ConfusionSums:
    """Soft counts of true positives, false positives and false negatives of each set.

    probs, targets: one shape, in [0, 1]. weights: >= 0, broadcasts to them; a 0/1 mask selects a subset at
    static shape. dim: the dims that make up one set (None: all of them), the others stay.
    The counts of the background class are confusion_sums(1 - probs, 1 - targets).
    """
    probs, targets = float_pair(probs, targets)
    hit = probs * targets
    false_alarm = probs * (1 - targets)
    miss = (1 - probs) * targets
    if weights is not None:
        weights = at_least_float32(weights)
        hit, false_alarm, miss = weights * hit, weights * false_alarm, weights * miss
    return ConfusionSums(hit.sum(dim), false_alarm.sum(dim), miss.sum(dim))
