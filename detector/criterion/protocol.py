"""Contracts of the criterion and of the terms it is made of."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from detector.tensors import Assignment, HeadOutput, LossTerms, Targets


class Criterion(Protocol):
    """Model output and assignment to a loss. Pure.

    progress: how much of the run is behind us, in [0, 1], a number or a scalar on the output's device; it
    drives warm-ups.
    """

    def __call__(
        self, head_output: HeadOutput, assignment: Assignment, targets: Targets, *, progress: float | Tensor
    ) -> LossTerms: ...


class PointLoss(Protocol):
    """Classification term: logits, targets [...] -> unreduced [...] >= 0."""

    def __call__(self, logits: Tensor, targets: Tensor, /) -> Tensor: ...


class SetLoss(Protocol):
    """Loss of a whole set from its soft counts: tp, fp, fn -> >= 0, as `dice_from_sums`."""

    def __call__(self, tp: Tensor, fp: Tensor, fn: Tensor, /) -> Tensor: ...


class BoxLoss(Protocol):
    """Box term: predicted, target xyxy [..., 4] -> unreduced [...] >= 0, or [..., 4], whose mean counts."""

    def __call__(self, predicted: Tensor, target: Tensor, /) -> Tensor: ...
