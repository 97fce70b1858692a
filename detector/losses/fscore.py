"""F-beta and F1 losses of a set of probabilities. Formulas, plots, worked examples: docs/losses.md."""

from __future__ import annotations

from torch import Tensor


def f1_from_sums(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """`f_beta_from_sums` at beta = 1."""
    return f_beta_from_sums(tp, fp, fn, beta=1.0)


def f_beta_from_sums(tp: Tensor, fp: Tensor, fn: Tensor, *, beta: float, eps: float = 1e-7) -> Tensor:
    """F-beta loss from soft counts (see `ConfusionSums`), in (0, 1]. eps > 0."""
    # The printed formula times (tp + fp + eps)(tp + fn + eps) above and below, with 1 - F subtracted by
    # hand. Nothing cancels, so the loss cannot round to 0 or below, where it has no logarithm.
    alarm, miss = fp + eps, fn + eps
    wrong = tp * (beta**2 * miss + alarm) + eps * (tp + alarm) * (tp + miss)
    return wrong / (wrong + (1 + beta**2) * tp**2)
