"""Moving average of a model's weights."""

from __future__ import annotations

import copy
from itertools import compress

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
        # Found once: walking the modules costs more than the arithmetic. Both models' tensors stay where they
        # are: optimizers and load_state_dict write into them.
        mine, theirs = (list(each.state_dict().values()) for each in (self.model, model))
        floating = [value.is_floating_point() for value in mine]
        self._averages, self._values = (list(compress(each, floating)) for each in (mine, theirs))
        counts = [not real for real in floating]
        self._copies, self._counts = (list(compress(each, counts)) for each in (mine, theirs))

    @torch.no_grad()
    def update(self) -> None:
        """One step towards the model that this averages."""
        self.updates += 1
        weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averages, self._values, weight)
        if self._copies:
            torch._foreach_copy_(self._copies, self._counts)
