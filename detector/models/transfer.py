"""Weights of one network as the start of another with other classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

PREDICTIONS = "head.predict."
"""Tensors whose first axis is the classes, then what is the same for all: the four sides of a box."""


@torch.no_grad()
def transfer(
    model: nn.Module, weights: Mapping[str, Tensor], *, rows: Sequence[int | None], classes: int
) -> float:
    """Copy what fits of `weights` into `model`; returns the share of its parameters that came along.

    What has the same name and shape is copied. Of the last convolutions, which differ where the classes do,
    class i takes row rows[i] of the weights' `classes` classes, or stays as it was made where that is None;
    boxes are copied. Everything else in the model is left alone.
    """
    own = model.state_dict()
    copied = 0
    for name, mine in own.items():
        theirs = weights.get(name)
        if theirs is None:
            continue
        if name.startswith(PREDICTIONS):
            if len(theirs) - classes != len(mine) - len(rows) or theirs.shape[1:] != mine.shape[1:]:
                continue
            pairs = [(i, row) for i, row in enumerate(rows) if row is not None]
            pairs += [(len(rows) + i, classes + i) for i in range(len(mine) - len(rows))]
            for target, row in pairs:
                mine[target] = theirs[row]
            copied += len(pairs) * mine[0].numel()
        elif theirs.shape == mine.shape:
            mine.copy_(theirs)
            copied += mine.numel()
    return copied / sum(tensor.numel() for tensor in own.values())
