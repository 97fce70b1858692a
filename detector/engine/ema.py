"""Moving average of a model's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Exponential moving average of parameters and batch-norm statistics; `model` is the averaged copy.

    The decay ramps up as (1 + n) / (10 + n) until it reaches `decay`. A constant one from the start keeps
    the initial variances alive for thousands of steps, and a model normalised by them detects nothing.
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """One step towards `model`, which has the same layout."""
        self.updates += 1
        weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        floating = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        torch._foreach_lerp_([mine for mine, _ in floating], [theirs for _, theirs in floating], weight)
        for mine, theirs in pairs:
            if not mine.is_floating_point():
                mine.copy_(theirs)
