"""Means that join the factors of a composite loss into one number.

Factors are non-negative scalars. All work in float32 outside of autocast: a product of four small means
underflows in half precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Combine(Protocol):
    """factors [K] -> scalar."""

    def __call__(self, factors: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Arithmetic:
    """mean L_k: every factor has weight 1 / K."""

    def __call__(self, factors: Tensor) -> Tensor:
        return factors.mean()


@dataclass(frozen=True)
class Geometric:
    """(prod max(L_k, eps)) ^ (1 / K), each factor clamped on its own.

    The weight of factor k is mean / (K L_k): it grows without bound as the factor falls, and one factor
    near zero pays for all the others. At or under eps a factor passes no gradient; the others still do.
    """

    eps: float = 1e-6

    def __call__(self, factors: Tensor) -> Tensor:
        return factors.clamp(min=self.eps).log().mean().exp()


@dataclass(frozen=True)
class ShiftedGeometric:
    """exp(mean log(L_k + s)) - s: geometric as s -> 0, arithmetic as s -> inf.

    The weight of factor k is (mean + s) / (K (L_k + s)), at most (mean + s) / (K s): no factor can buy off
    the others, and there is no clamp for a gradient to die at.
    """

    shift: float = 0.1

    def __call__(self, factors: Tensor) -> Tensor:
        return (factors + self.shift).log().mean().exp() - self.shift


@dataclass(frozen=True)
class PaperProduct:
    """sqrt(max(sqrt(max(a b, eps)) sqrt(max(c d, eps)), eps)) for factors [a, b, c, d]: the draft's form.

    The clamps are on the products, as printed, so both factors of a clamped pair lose their gradient.
    """

    eps: float = 1e-6

    def __call__(self, factors: Tensor) -> Tensor:
        pairs = factors.reshape(2, 2).prod(dim=1).clamp(min=self.eps).sqrt()
        return pairs.prod().clamp(min=self.eps).sqrt()
