"""F-beta and F1 losses of a set of probabilities. Formulas, plots, worked examples: docs/losses.md."""

from __future__ import annotations

from torch import Tensor

from detector.losses.sums import confusion_sums


def soft_f_beta(
    probs: Tensor,
    targets: Tensor,
    *,
    beta: float,
    eps: float = 1e-7,
    weights: Tensor | None = None,
    dim: int | tuple[int, ...] | None = None,
) -> Tensor:
    """1 - (1 + beta^2) P R / (beta^2 P + R + eps) of each set, in [0, 1].

    P = tp / (tp + fp + eps) and R = tp / (tp + fn + eps) from soft counts. beta > 1 favours recall, beta < 1
    precision. probs, targets: one shape, in [0, 1]; weights, dim: see `confusion_sums`.

    A set without positives, or an empty one, gives 1 with zero gradient whatever the probabilities are:
    it cannot teach on negatives alone.
    """
    sums = confusion_sums(probs, targets, weights=weights, dim=dim)
    return f_beta_from_sums(*sums, beta=beta, eps=eps)


def soft_f1(
    probs: Tensor,
    targets: Tensor,
    *,
    eps: float = 1e-7,
    weights: Tensor | None = None,
    dim: int | tuple[int, ...] | None = None,
) -> Tensor:
    """`soft_f_beta` at beta = 1: over one set the same as Dice with smooth = 0, up to eps."""
    return soft_f_beta(probs, targets, beta=1.0, eps=eps, weights=weights, dim=dim)


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
