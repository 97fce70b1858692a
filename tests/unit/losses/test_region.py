import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.losses.published import dice, soft_iou
from tests.unit.losses.worked_example import MAP_PROBS, MAP_TARGETS

X = torch.tensor([1.0, 1.0, 0.0, 0.0])
Y = torch.tensor([1.0, 0.0, 1.0, 0.0])
LOSSES = [dice, soft_iou]
smooths = st.floats(0, 3)
quick = settings(max_examples=60, deadline=None)


@st.composite
def maps(draw):
    """Probabilities and hard labels of one set, with at least one of each label."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    size = draw(st.integers(2, 30))
    p = torch.rand(size, generator=generator, dtype=torch.float64)
    y = (torch.rand(size, generator=generator, dtype=torch.float64) < 0.3).double()
    return p, torch.cat((torch.tensor([1.0, 0.0], dtype=torch.float64), y[2:]))


def test_two_sets_that_share_one_of_three():
    assert dice(X, Y, smooth=0).item() == pytest.approx(0.5)
    assert soft_iou(X, Y, smooth=0).item() == pytest.approx(2 / 3)
    assert dice(X, Y, smooth=1).item() == pytest.approx(0.4)
    assert soft_iou(X, Y, smooth=1).item() == pytest.approx(0.5)


@quick
@given(maps(), smooths)
def test_equals_the_printed_formula(pair, smooth):
    p, y = pair
    both = (p * y).sum()
    torch.testing.assert_close(
        dice(p, y, smooth=smooth), 1 - (2 * both + smooth) / (p.sum() + y.sum() + smooth)
    )
    torch.testing.assert_close(
        soft_iou(p, y, smooth=smooth), 1 - (both + smooth) / (p.sum() + y.sum() - both + smooth)
    )


@quick
@given(maps(), smooths)
def test_range_symmetry_and_order_of_points(pair, smooth):
    p, y = pair
    shuffled = torch.randperm(len(p), generator=torch.Generator().manual_seed(len(p)))
    for loss in LOSSES:
        value = loss(p, y, smooth=smooth)
        assert 0 <= value <= 1
        torch.testing.assert_close(loss(y, p, smooth=smooth), value)
        torch.testing.assert_close(loss(p[shuffled], y[shuffled], smooth=smooth), value)
        assert loss(y, y, smooth=smooth) == 0
        torch.testing.assert_close(loss(1 - y, y, smooth=0), torch.ones_like(value))


@quick
@given(maps(), smooths)
def test_better_probabilities_never_cost_more(pair, smooth):
    p, y = pair
    p = p * 0.9
    for loss in LOSSES:
        assert loss(p + 0.05 * y, y, smooth=smooth) <= loss(p, y, smooth=smooth)
        assert loss(p * (0.5 + 0.5 * y), y, smooth=smooth) <= loss(p, y, smooth=smooth)


@quick
@given(maps(), smooths)
def test_dice_is_a_function_of_iou_at_half_the_smoothing(pair, smooth):
    p, y = pair
    iou = soft_iou(p, y, smooth=smooth / 2)
    torch.testing.assert_close(dice(p, y, smooth=smooth), iou / (2 - iou))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_the_numeric_ones(loss):
    p = MAP_PROBS.clone().requires_grad_()
    for smooth in (0.0, 1.0):
        assert torch.autograd.gradcheck(lambda p, s=smooth: loss(p, MAP_TARGETS, smooth=s), p)
    weights = MAP_PROBS.flip(0)
    assert torch.autograd.gradcheck(lambda p: loss(p, MAP_TARGETS, smooth=1.0, weights=weights, dim=-1), p)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_an_empty_set_costs_nothing_and_has_a_finite_gradient(loss, smooth):
    logits = torch.tensor([-100.0, -120.0, 3.0], requires_grad=True)
    for weights in (torch.tensor([1.0, 1.0, 0.0]), torch.zeros(3)):  # p of about 0, and no point at all
        value = loss(logits.sigmoid(), torch.zeros(3), smooth=smooth, weights=weights)
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.item() == pytest.approx(0, abs=1e-5)
        assert gradient.isfinite().all()


def test_a_tiny_loss_keeps_its_digits():
    # 1 - (2 - 1e-9) / (2 - 1e-9) rounds to 0 in float32.
    p, y = torch.tensor([1.0, 1e-9]), torch.tensor([1.0, 0.0])
    assert dice(p, y, smooth=0).item() == pytest.approx(0.5e-9, rel=1e-5)
    assert soft_iou(p, y, smooth=0).item() == pytest.approx(1e-9, rel=1e-5)


def test_the_loss_of_a_set_is_not_the_mean_over_its_parts():
    # Documented, not wanted: why sums are added over ranks before they become a loss.
    p, y = torch.tensor([0.9, 0.1, 0.5, 0.5]), torch.tensor([1.0, 0.0, 0.0, 0.0])
    parts = (dice(p[:2], y[:2], smooth=0) + dice(p[2:], y[2:], smooth=0)) / 2
    assert dice(p, y, smooth=0).item() == pytest.approx(0.4)  # fp + fn = 1.2, of 3
    assert parts.item() == pytest.approx(0.55)  # 0.2 / 2 and 1
