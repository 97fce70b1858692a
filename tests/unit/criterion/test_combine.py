"""The means: by hand, in their limits, and what passes their clamps."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from detector.criterion.combine import Arithmetic, Combine, Geometric, PaperProduct, ShiftedGeometric
from detector.errors import UserError

EPS = 1e-6
MEANS = [Arithmetic(), Geometric(eps=EPS), ShiftedGeometric(shift=0.1), PaperProduct(eps=EPS)]
every_mean = pytest.mark.parametrize("mean", MEANS, ids=lambda mean: type(mean).__name__)


def factors(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def gradient(mean: Combine, x: Tensor) -> list[float]:
    return torch.autograd.grad(mean(x), x)[0].tolist()


@every_mean
def test_equal_factors_are_their_own_mean(mean: Combine):
    assert mean(factors(0.3, 0.3, 0.3, 0.3)).item() == pytest.approx(0.3)


def test_values_by_hand():
    x = factors(0.1, 0.4, 0.9, 0.4)
    assert Arithmetic()(x).item() == pytest.approx(0.45)
    assert Geometric(eps=EPS)(x).item() == pytest.approx((0.1 * 0.4 * 0.9 * 0.4) ** 0.25)
    expected = (0.6 * 0.9 * 1.4 * 0.9) ** 0.25 - 0.5
    assert ShiftedGeometric(shift=0.5)(x).item() == pytest.approx(expected)


def test_the_literal_form_is_the_printed_formula():
    eps = 1e-3
    for a, b, c, d in [(0.1, 0.4, 0.9, 0.4), (1e-4, 0.5, 0.9, 0.4), (1e-4, 1e-4, 1e-4, 1e-4), (0, 3, 1, 1)]:
        cls, f1 = math.sqrt(max(a * b, eps)), math.sqrt(max(c * d, eps))
        expected = math.sqrt(max(cls * f1, eps))
        assert PaperProduct(eps=eps)(factors(a, b, c, d)).item() == pytest.approx(expected)


@pytest.mark.parametrize("count", [2, 5])
def test_the_literal_form_of_other_than_four_factors_is_refused(count: int):
    message = rf"^combine\.name=paper_product joins four factors, found {count}; factors\.name=split or"
    with pytest.raises(UserError, match=message):
        PaperProduct(eps=EPS)(factors(*[0.5] * count))


def test_the_literal_form_is_the_geometric_mean_where_nothing_is_clamped():
    x = factors(0.1, 0.4, 0.9, 0.4)
    assert PaperProduct(eps=EPS)(x).item() == pytest.approx(Geometric(eps=EPS)(x).item())
    assert gradient(PaperProduct(eps=EPS), x) == pytest.approx(gradient(Geometric(eps=EPS), x))


def test_a_shift_to_zero_is_the_geometric_mean_and_a_large_one_the_arithmetic():
    x = factors(0.02, 0.4, 0.9)
    assert ShiftedGeometric(shift=1e-9)(x).item() == pytest.approx(Geometric(eps=EPS)(x).item(), rel=1e-6)
    assert ShiftedGeometric(shift=1e7)(x).item() == pytest.approx(Arithmetic()(x).item(), rel=1e-6)
    between = [ShiftedGeometric(shift=10.0**k)(x).item() for k in range(-3, 4)]
    assert between == sorted(between)


def test_a_shift_costs_no_digits_of_small_factors():
    x = torch.tensor([1e-6, 4e-6])
    for shift in (0.1, 100.0):
        exact = shift * math.expm1((math.log1p(1e-6 / shift) + math.log1p(4e-6 / shift)) / 2)
        assert ShiftedGeometric(shift=shift)(x).item() == pytest.approx(exact, rel=1e-5)


@every_mean
def test_gradients_are_those_of_the_formula(mean: Combine):
    assert torch.autograd.gradcheck(mean, factors(0.1, 0.4, 0.9, 0.4))


def test_a_geometric_mean_gives_every_factor_the_same_relative_weight_and_a_shift_bounds_it():
    x = factors(1e-4, 0.5)
    weights = gradient(Geometric(eps=EPS), x)
    assert weights[0] * 1e-4 == pytest.approx(weights[1] * 0.5)
    shift = 0.1
    mean = ShiftedGeometric(shift=shift)(x).item()
    bound = (mean + shift) / (2 * shift)
    assert gradient(ShiftedGeometric(shift=shift), x)[0] <= bound < weights[0] / 10


def test_a_factor_under_the_clamp_loses_its_gradient_and_the_others_keep_theirs():
    small, other = gradient(Geometric(eps=1e-6), factors(1e-7, 0.5))
    assert small == 0
    assert other == pytest.approx(0.5 * (1e-6 / 0.5) ** 0.5)
    assert gradient(Geometric(eps=1e-6), factors(2e-6, 0.5))[0] > 0


def test_a_product_under_the_clamp_takes_the_gradient_of_both_factors():
    a, b, c, d = gradient(PaperProduct(eps=1e-6), factors(1e-7, 0.5, 0.4, 0.4))
    assert a == b == 0
    assert c == d > 0
    assert gradient(PaperProduct(eps=1e-2), factors(0.01, 0.01, 0.01, 0.01)) == [0, 0, 0, 0]


def test_zero_factors_are_finite():
    for mean in MEANS:
        x = factors(0.0, 0.0, 0.5, 0.0)
        assert math.isfinite(mean(x).item())
        assert all(math.isfinite(value) for value in gradient(mean, x))


@pytest.mark.parametrize("shift", [0.0, -1.0, math.nan])
def test_a_shift_that_is_none_is_refused(shift: float):
    with pytest.raises(UserError, match=r"shift must be > 0"):
        ShiftedGeometric(shift=shift)
