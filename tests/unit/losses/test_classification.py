import math

import pytest
import torch
import torchvision.ops as tv
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.losses.classification import balanced_cross_entropy, cross_entropy, quality_focal
from tests.unit.losses.published import bce_focal, focal, varifocal
from tests.unit.losses.worked_example import MAP_LOGITS, MAP_TARGETS

ONE = torch.ones((), dtype=torch.float64)
ZERO = torch.zeros((), dtype=torch.float64)
logits = st.floats(-30, 30).map(lambda z: torch.tensor(z, dtype=torch.float64))
unit = st.floats(0, 1)
quick = settings(max_examples=50, deadline=None)


def logit(p: float) -> torch.Tensor:
    return torch.logit(torch.tensor(p, dtype=torch.float64))


# ---- worked examples ------------------------------------------------------------------------------------


def test_one_pixel():
    z = logit(0.3)
    assert round(cross_entropy(z, ONE).item(), 4) == 1.2040
    assert round(focal(z, ONE).item(), 4) == 0.1475
    assert round(balanced_cross_entropy(z, ONE, beta=0.89).item(), 4) == 1.0715


def test_map_of_5_by_5():
    assert round(cross_entropy(MAP_LOGITS, MAP_TARGETS).mean().item(), 4) == 0.7221
    assert round(focal(MAP_LOGITS, MAP_TARGETS).mean().item(), 4) == 0.2068
    assert round(balanced_cross_entropy(MAP_LOGITS, MAP_TARGETS, beta=0.16).mean().item(), 4) == 0.5392
    assert round(balanced_cross_entropy(MAP_LOGITS, MAP_TARGETS, beta=0.84).mean().item(), 4) == 0.1829


def test_bce_focal_by_hand():
    # p = 0.3, y = 1: BCE = -ln 0.3, focal = 0.7^3 BCE; y = 0: BCE = -ln 0.7, focal = 0.3^3 BCE.
    ce_1, ce_0 = -math.log(0.3), -math.log(0.7)
    assert bce_focal(logit(0.3), ONE).item() == pytest.approx(0.5 * ce_1 + 0.5 * 0.343 * ce_1)
    assert bce_focal(logit(0.3), ZERO).item() == pytest.approx(0.5 * ce_0 + 0.5 * 0.027 * ce_0)
    weighted = bce_focal(logit(0.3), ONE, alpha=0.5, gamma=1, bce_weight=0.2, focal_weight=0.8)
    assert weighted.item() == pytest.approx(0.2 * ce_1 + 0.8 * 0.5 * 0.7 * ce_1)


def test_quality_losses_by_hand():
    z, q = logit(0.3), torch.tensor(0.8, dtype=torch.float64)
    ce = -0.8 * math.log(0.3) - 0.2 * math.log(0.7)
    assert quality_focal(z, q).item() == pytest.approx(0.25 * ce)
    assert varifocal(z, q).item() == pytest.approx(0.8 * ce)
    assert quality_focal(z, ZERO).item() == pytest.approx(-0.09 * math.log(0.7))
    assert varifocal(z, ZERO).item() == pytest.approx(-0.75 * 0.09 * math.log(0.7))


# ---- against others and against themselves --------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.5, 0.0), (0.9, 3.5)])
def test_focal_agrees_with_torchvision_on_hard_labels(alpha, gamma):
    z = torch.linspace(-8, 8, 33, dtype=torch.float64)
    for y in (torch.zeros_like(z), torch.ones_like(z)):
        theirs = tv.sigmoid_focal_loss(z, y, alpha=alpha, gamma=gamma)
        torch.testing.assert_close(focal(z, y, alpha=alpha, gamma=gamma), theirs, atol=1e-6, rtol=0)


def test_cross_entropy_agrees_with_torch_on_soft_labels():
    z, y = torch.meshgrid(torch.linspace(-9, 9, 19), torch.linspace(0, 1, 11), indexing="ij")
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    torch.testing.assert_close(cross_entropy(z, y), theirs)


@quick
@given(logits, unit, unit)
def test_special_cases_meet(z, y, alpha):
    y = torch.tensor(y, dtype=torch.float64)
    torch.testing.assert_close(focal(z, y, alpha=alpha, gamma=0), balanced_cross_entropy(z, y, beta=alpha))
    torch.testing.assert_close(2 * balanced_cross_entropy(z, y, beta=0.5), cross_entropy(z, y))
    torch.testing.assert_close(bce_focal(z, y, gamma=0), cross_entropy(z, y))
    torch.testing.assert_close(quality_focal(z, y, beta=0), cross_entropy(z, y))
    mixed = y * focal(z, ONE, alpha=alpha) + (1 - y) * focal(z, ZERO, alpha=alpha)
    torch.testing.assert_close(focal(z, y, alpha=alpha), mixed)


@quick
@given(logits, unit, unit)
def test_swapping_the_classes_mirrors_the_loss(z, y, beta):
    y = torch.tensor(y, dtype=torch.float64)
    torch.testing.assert_close(cross_entropy(z, y), cross_entropy(-z, 1 - y))
    torch.testing.assert_close(bce_focal(z, y), bce_focal(-z, 1 - y))
    torch.testing.assert_close(quality_focal(z, y), quality_focal(-z, 1 - y))
    torch.testing.assert_close(
        balanced_cross_entropy(z, y, beta=beta), balanced_cross_entropy(-z, 1 - y, beta=1 - beta)
    )
    torch.testing.assert_close(focal(z, y, alpha=beta), focal(-z, 1 - y, alpha=1 - beta))


@quick
@given(logits, st.floats(0.01, 5), st.floats(0, 5))
def test_a_better_logit_never_costs_more_and_no_loss_is_negative(z, step, gamma):
    losses = [
        cross_entropy,
        lambda z, y: balanced_cross_entropy(z, y, beta=0.3),
        lambda z, y: focal(z, y, gamma=gamma),
        lambda z, y: bce_focal(z, y, gamma=gamma),
        lambda z, y: quality_focal(z, y, beta=1 + gamma),
        lambda z, y: varifocal(z, y, gamma=gamma),
    ]
    for loss in losses:
        assert 0 <= loss(z + step, ONE) <= loss(z, ONE)
        assert 0 <= loss(z - step, ZERO) <= loss(z, ZERO)


@quick
@given(logits, st.floats(0, 5))
def test_focal_never_exceeds_cross_entropy_and_falls_with_gamma(z, gamma):
    assert bce_focal(z, ONE, gamma=gamma, bce_weight=0, focal_weight=1) <= cross_entropy(z, ONE)
    assert focal(z, ONE, gamma=gamma + 1) <= focal(z, ONE, gamma=gamma)


def test_quality_focal_is_least_at_the_quality():
    z = torch.linspace(-5, 5, 201, dtype=torch.float64)
    loss = quality_focal(z, torch.full_like(z, 0.7))
    assert z[loss.argmin()].sigmoid().item() == pytest.approx(0.7, abs=0.01)
    assert loss.min() < 1e-4


def test_mean_over_a_batch_is_the_mean_over_its_parts():
    z = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = (z > 0.5).double()
    whole = focal(z, y).mean()
    parts = (focal(z[:4], y[:4]).mean() * 4 + focal(z[4:], y[4:]).mean() * 8) / 12
    torch.testing.assert_close(whole, parts)


# ---- gradients and numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_gradients_are_the_numeric_ones(gamma):
    z = torch.linspace(-4, 4, 9, dtype=torch.float64).requires_grad_()
    y = torch.tensor([0, 1, 0.3, 0, 1, 0.9, 0, 1, 0.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(cross_entropy, (z, y))
    assert torch.autograd.gradcheck(lambda z: balanced_cross_entropy(z, y, beta=0.7), z)
    assert torch.autograd.gradcheck(lambda z: focal(z, y, gamma=gamma), z)
    assert torch.autograd.gradcheck(lambda z: bce_focal(z, y, gamma=gamma), z)
    assert torch.autograd.gradcheck(lambda z: quality_focal(z, y, beta=1 + gamma), z)
    assert torch.autograd.gradcheck(lambda z: varifocal(z, y, gamma=gamma), z)


def test_gradient_of_cross_entropy_is_p_minus_y():
    z = torch.linspace(-6, 6, 13, dtype=torch.float64).requires_grad_()
    y = torch.full_like(z, 0.3)
    cross_entropy(z, y).sum().backward()
    torch.testing.assert_close(z.grad, z.detach().sigmoid() - y)


def test_small_losses_keep_their_digits_in_float32():
    # log(1 - p) by way of 1 - p would be 0 here, and the logarithm of that loss -inf.
    z = torch.tensor(-30.0)
    assert cross_entropy(z, torch.tensor(0.0)).item() == pytest.approx(math.exp(-30), rel=1e-5)
    assert focal(z, torch.tensor(0.0), gamma=1.0).item() == pytest.approx(0.75 * math.exp(-60), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_values_and_gradients_at_logits_of_100(gamma):
    z = torch.tensor([100.0, 100.0, -100.0, -100.0], requires_grad=True)
    y = torch.tensor([0.0, 1.0, 0.0, 1.0])
    value = focal(z, y, gamma=gamma)
    value.sum().backward()
    torch.testing.assert_close(value, torch.tensor([75.0, 0.0, 0.0, 25.0]))
    torch.testing.assert_close(z.grad, torch.tensor([0.75, 0.0, 0.0, -0.25]))


# ---- what a user can get wrong --------------------------------------------------------------------------


def test_bad_arguments_are_named():
    with pytest.raises(UserError, match=r"gamma must be >= 0, found -1"):
        focal(ONE, ONE, gamma=-1)
    with pytest.raises(UserError, match=r"beta must be 0 or at least 1, found 0.5"):
        quality_focal(ONE, ONE, beta=0.5)
