"""Optimizers over parameter groups, and the learning rate over steps.

Every optimizer can penalise the weights: by their squares (L2, `weight_decay`) and by their sizes (`l1`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from detector.errors import UserError


class OptimizerFactory(Protocol):
    """Makes the optimizer of a model."""

    lr: float

    def __call__(self, model: nn.Module) -> Optimizer: ...


def parameter_groups(model: nn.Module, *, weight_decay: float) -> list[dict[str, object]]:
    """Weights, decayed; then biases and batch-norm parameters, not: decaying those shrinks activations."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def penalise_l1(optimizer: Optimizer, strength: float) -> Optimizer:
    """The same optimizer; beside the loss it now minimises strength * |w|, summed over its first group.

    Every step first adds strength * sign(w) to the gradients, which by then are unscaled and clipped: neither
    the clipped norm nor the logged loss contains the penalty. Weights end near 0 and seldom at it: exact
    zeros would take a proximal step. The state dict holds nothing of it; strength 0 changes nothing.
    """
    if strength == 0:
        return optimizer
    weights: list[Tensor] = optimizer.param_groups[0]["params"]

    @torch.no_grad()
    def add_signs(_: Optimizer, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        moving = [(weight, weight.grad) for weight in weights if weight.grad is not None]
        signs = torch._foreach_sign([weight for weight, _ in moving])
        torch._foreach_add_([gradient for _, gradient in moving], signs, alpha=strength)

    optimizer.register_step_pre_hook(add_signs)
    return optimizer


@dataclass(frozen=True)
class Penalised(ABC):
    """An optimizer that also minimises the weights: lr > 0, weight_decay (L2) >= 0, l1 >= 0."""

    lr: float
    weight_decay: float
    l1: float

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise UserError(f"optimizer.lr={self.lr}: must be above 0")
        for name in ("weight_decay", "l1"):
            if not getattr(self, name) >= 0:
                raise UserError(f"optimizer.{name}={getattr(self, name)}: must be at least 0")

    def __call__(self, model: nn.Module) -> Optimizer:
        groups = parameter_groups(model, weight_decay=self.weight_decay)
        return penalise_l1(self.of_groups(groups), self.l1)

    @abstractmethod
    def of_groups(self, groups: list[dict[str, object]]) -> Optimizer:
        """torch's, over groups that have their weight decay."""


@dataclass(frozen=True)
class AdamW(Penalised):
    """Adam whose weight decay stays outside the adaptive scaling (Loshchilov & Hutter 2019).

    weight_decay: L2, decoupled: every step shrinks all weights by the same share, lr * weight_decay. l1:
    coupled, as in Adam.
    """

    def of_groups(self, groups: list[dict[str, object]]) -> Optimizer:
        return torch.optim.AdamW(groups, lr=self.lr, fused=True)


@dataclass(frozen=True)
class Adam(Penalised):
    """Adam (Kingma & Ba 2015).

    weight_decay (L2), l1: coupled: weight_decay * w and l1 * sign(w) join the gradient and are divided by its
    running size with it, so weights with large gradients are penalised less than others.
    """

    def of_groups(self, groups: list[dict[str, object]]) -> Optimizer:
        return torch.optim.Adam(groups, lr=self.lr, fused=True)


@dataclass(frozen=True)
class Sgd(Penalised):
    """Stochastic gradient descent, with Nesterov momentum unless `momentum` is 0.

    A constant gradient moves a weight by lr / (1 - momentum) per step: without momentum, lr should be ten
    times what it is with 0.9. weight_decay (L2), l1: coupled: part of the gradient, and so of the momentum.
    """

    momentum: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum < 1:
            raise UserError(f"optimizer.momentum={self.momentum}: must be at least 0 and below 1")

    def of_groups(self, groups: list[dict[str, object]]) -> Optimizer:
        nesterov = self.momentum > 0
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=nesterov, fused=True)


def load_memory(optimizer: Optimizer, state: dict[str, Any], *, source: str) -> None:
    """Give an optimizer the memory (momenta, step counts) of a saved one, and keep its own settings.

    torch would take the saved learning rate and weight decay along, and a changed setting had no effect.
    UserError where the memory is that of another kind of optimizer.
    """
    own = [
        {key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    try:
        optimizer.load_state_dict(state)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"checkpoint {source}: its optimizer is not this one ({error})") from error
    for group, settings in zip(optimizer.param_groups, own, strict=True):
        group.update(settings)


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warm-up to 1, then half a cosine down to `floor`: the factor of the learning rate at a step.

    warmup_fraction: of the run's steps, in [0, 1). floor: in [0, 1].
    """

    warmup_fraction: float
    floor: float

    def __call__(self, step: int, *, total_steps: int) -> float:
        """step counts from 0; total_steps > 0."""
        warmup_steps = round(self.warmup_fraction * total_steps)
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        share = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
