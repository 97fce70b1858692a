"""Optimizers over parameter groups, and the learning rate over steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.optim import Optimizer

from detector.errors import UserError


class OptimizerFactory(Protocol):
    """Makes the optimizer of a model."""

    lr: float

    def __call__(self, model: nn.Module) -> Optimizer: ...


def parameter_groups(model: nn.Module, *, weight_decay: float) -> list[dict[str, object]]:
    """Weights with decay, biases and batch-norm parameters without: decaying those shrinks activations."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


@dataclass(frozen=True)
class AdamW:
    """AdamW (Loshchilov & Hutter 2019)."""

    lr: float = 2e-3
    weight_decay: float = 0.05

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)

    def __call__(self, model: nn.Module) -> Optimizer:
        groups = parameter_groups(model, weight_decay=self.weight_decay)
        return torch.optim.AdamW(groups, lr=self.lr, fused=True)


@dataclass(frozen=True)
class Sgd:
    """Gradient descent with Nesterov momentum."""

    lr: float = 0.02
    weight_decay: float = 5e-4
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check(self.lr, self.weight_decay)
        if not 0 <= self.momentum < 1:
            raise UserError(f"optimizer.momentum={self.momentum}: must be at least 0 and below 1")

    def __call__(self, model: nn.Module) -> Optimizer:
        groups = parameter_groups(model, weight_decay=self.weight_decay)
        return torch.optim.SGD(
            groups, lr=self.lr, momentum=self.momentum, nesterov=self.momentum > 0, fused=True
        )


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warm-up to 1, then half a cosine down to `floor`: the factor of the learning rate at a step."""

    warmup_steps: int = 200
    floor: float = 0.02

    def __post_init__(self) -> None:
        if self.warmup_steps < 0:
            raise UserError(f"engine.warmup_steps={self.warmup_steps}: must be at least 0")
        if not 0 <= self.floor <= 1:
            raise UserError(f"engine.lr_floor={self.floor}: must be between 0 and 1")

    def __call__(self, step: int, *, total_steps: int) -> float:
        """step counts from 0; total_steps > 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        share = (step - self.warmup_steps) / max(1, total_steps - self.warmup_steps)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def _check(lr: float, weight_decay: float) -> None:
    if not lr > 0:
        raise UserError(f"optimizer.lr={lr}: must be above 0")
    if not weight_decay >= 0:
        raise UserError(f"optimizer.weight_decay={weight_decay}: must be at least 0")
