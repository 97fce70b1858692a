"""What every loss does to its two inputs before it looks at them."""

from __future__ import annotations

from torch import Tensor

from detector.dtypes import at_least_float32


def float_pair(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in at least float32.

    Raises ValueError where the shapes differ: [N] against [N, 1] would broadcast to [N, N] and train on
    nonsense without a word.
    """
    if predicted.shape != target.shape:
        raise ValueError(
            f"a loss needs two tensors of one shape, found {tuple(predicted.shape)} and {tuple(target.shape)}"
        )
    return at_least_float32(predicted), at_least_float32(target)
