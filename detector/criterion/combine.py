"""Means that join the factors of a composite loss into one number.

Factors are non-negative scalars. All work in float32 outside of autocast: a product of four small means
underflows in half precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from detector.errors import UserError


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
    near zero pays for all the others. Under eps a factor passes no gradient; the others still do.
    """

    eps: float

    def __call__(self, factors: Tensor) -> Tensor:
        return factors.clamp(min=self.eps).log().mean().exp()


@dataclass(frozen=True)
class ShiftedGeometric:
    """exp(mean log(L_k + s)) - s: geometric as s -> 0, arithmetic as s -> inf.

    The weight of factor k is (mean + s) / (K (L_k + s)), at most (mean + s) / (K s): no factor can buy off
    the others, and there is no clamp for a gradient to die at. shift: s > 0.
    """

    shift: float

    def __post_init__(self) -> None:
        if not self.shift > 0:
            raise UserError(f"combine.shift must be > 0, found {self.shift}; Geometric is the limit at 0")

    def __call__(self, factors: Tensor) -> Tensor:
        # The same number without the subtraction, which would leave no digits of factors far below s.
        return self.shift * (factors / self.shift).log1p().mean().expm1()


@dataclass(frozen=True)
class PaperProduct:
    """sqrt(max(sqrt(max(a b, eps)) sqrt(max(c d, eps)), eps)) for factors [a, b, c, d]: the draft's form.

    The clamps are on the products, as printed: both factors of a pair under eps lose their gradient, and all
    four do where the outer product is under eps.
    """

    eps: float

    def __call__(self, factors: Tensor) -> Tensor:
        if len(factors) != 4:
            raise UserError(
                f"combine.name=paper_product joins four factors, found {len(factors)}; factors.name=split or "
                "split_background gives four"
            )
        a, b, c, d = factors.unbind()  # Tensor.prod looks for zeros in backward, a wait for the device.
        pairs = torch.stack([a * b, c * d]).clamp(min=self.eps).sqrt()
        return (pairs[0] * pairs[1]).clamp(min=self.eps).sqrt()
