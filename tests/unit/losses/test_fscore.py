import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.losses.fscore import f1_from_sums
from detector.losses.sums import confusion_sums
from tests.unit.losses.published import dice, soft_f1, soft_f_beta
from tests.unit.losses.test_region import maps
from tests.unit.losses.worked_example import MAP_PROBS, MAP_TARGETS

betas = st.floats(0.25, 4)
quick = settings(max_examples=60, deadline=None)


def printed_formula(p, y, beta, eps):
    tp, fp, fn = (p * y).sum(), (p * (1 - y)).sum(), ((1 - p) * y).sum()
    precision, recall = tp / (tp + fp + eps), tp / (tp + fn + eps)
    return 1 - (1 + beta**2) * precision * recall / (beta**2 * precision + recall + eps)


def test_f_scores_by_hand():
    # tp 2, fp 1, fn 3 on hard predictions: P = 2/3, R = 2/5; F1 = 1/2, F2 = 10/23, F0.5 = 10/17.
    p = torch.tensor([1.0, 1, 1, 0, 0, 0, 0])
    y = torch.tensor([1.0, 1, 0, 1, 1, 1, 0])
    assert soft_f1(p, y).item() == pytest.approx(0.5, abs=1e-6)
    assert soft_f_beta(p, y, beta=2).item() == pytest.approx(13 / 23, abs=1e-6)
    assert soft_f_beta(p, y, beta=0.5).item() == pytest.approx(7 / 17, abs=1e-6)


@quick
@given(maps(), betas, st.sampled_from([1e-7, 1e-3, 0.1]))
def test_equals_the_printed_formula(pair, beta, eps):
    p, y = pair
    torch.testing.assert_close(soft_f_beta(p, y, beta=beta, eps=eps), printed_formula(p, y, beta, eps))


@quick
@given(maps())
def test_soft_f1_is_dice_up_to_eps(pair):
    p, y = pair
    p = 0.05 + 0.9 * p
    torch.testing.assert_close(soft_f1(p, y), dice(p, y, smooth=0), atol=1e-5, rtol=0)
    torch.testing.assert_close(soft_f1(p, y, eps=1e-12), dice(p, y, smooth=0), atol=1e-9, rtol=0)


@quick
@given(maps(), betas)
def test_range_and_order_of_points(pair, beta):
    p, y = pair
    value = soft_f_beta(p, y, beta=beta)
    assert 0 < value <= 1
    shuffled = torch.randperm(len(p), generator=torch.Generator().manual_seed(len(p)))
    torch.testing.assert_close(soft_f_beta(p[shuffled], y[shuffled], beta=beta), value)


@quick
@given(maps(), betas)
def test_swapping_prediction_and_truth_swaps_precision_and_recall(pair, beta):
    p, y = pair
    torch.testing.assert_close(
        soft_f_beta(p, y, beta=beta), soft_f_beta(y, p, beta=1 / beta), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(soft_f1(p, y), soft_f1(y, p))


@quick
@given(maps(), betas)
def test_better_probabilities_never_cost_more(pair, beta):
    p, y = pair
    p = p * 0.9
    value = soft_f_beta(p, y, beta=beta)
    assert soft_f_beta(p + 0.05 * y, y, beta=beta) <= value
    assert soft_f_beta(p * (0.5 + 0.5 * y), y, beta=beta) <= value


def test_on_negatives_alone_it_is_1_and_teaches_nothing():
    p = torch.tensor([0.1, 0.5, 0.99], requires_grad=True)
    for function in (soft_f1, dice_without_smoothing):
        value = function(p, torch.zeros(3))
        (gradient,) = torch.autograd.grad(value, p)
        assert value.item() == 1.0
        assert gradient.abs().max() == 0


def dice_without_smoothing(p, y):
    return dice(p, y, smooth=0)


def test_of_the_background_class_it_does_teach_on_negatives():
    p = torch.tensor([0.2, 0.4], dtype=torch.float64, requires_grad=True)
    value = soft_f1(1 - p, torch.ones(2, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(value, p)
    assert value.item() == pytest.approx(0.6 / 3.4, abs=1e-6)  # fn = 0.6, tp = 1.4: 0.6 / (2.8 + 0.6)
    assert (gradient > 0).all()


def test_per_point_sets_lie_along_the_last_dim():
    p, y = MAP_PROBS, MAP_TARGETS
    rows = soft_f_beta(p, y, beta=2, dim=-1)
    for row in range(5):
        torch.testing.assert_close(rows[row], soft_f_beta(p[row], y[row], beta=2))


def test_a_set_in_two_parts_needs_its_sums_added():
    p, y = MAP_PROBS, MAP_TARGETS
    parts = zip(confusion_sums(p[:1], y[:1]), confusion_sums(p[1:], y[1:]), strict=True)
    together = f1_from_sums(*(first + second for first, second in parts))
    torch.testing.assert_close(together, soft_f1(p, y))
    averaged = (soft_f1(p[:1], y[:1]) + soft_f1(p[1:], y[1:])) / 2  # the first row has no positive
    assert (averaged - together).abs() > 0.01


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_gradients_are_the_numeric_ones(beta):
    p = MAP_PROBS.clone().requires_grad_()
    weights = MAP_PROBS.flip(0)
    assert torch.autograd.gradcheck(lambda p: soft_f_beta(p, MAP_TARGETS, beta=beta), p)
    assert torch.autograd.gradcheck(
        lambda p: soft_f_beta(p, MAP_TARGETS, beta=beta, weights=weights, dim=-1), p
    )
    assert torch.autograd.gradcheck(lambda p: soft_f1(p, MAP_TARGETS), p)


def test_empty_and_perfect_sets_are_finite():
    logits = torch.tensor([100.0, -100.0], requires_grad=True)
    for y, weights, expected in (
        ([1.0, 0.0], [1.0, 1.0], 0.0),  # perfect
        ([0.0, 1.0], [1.0, 1.0], 1.0),  # all wrong
        ([0.0, 0.0], [0.0, 1.0], 1.0),  # nothing there, nothing said
        ([1.0, 0.0], [0.0, 0.0], 1.0),  # no point at all
    ):
        value = soft_f1(logits.sigmoid(), torch.tensor(y), weights=torch.tensor(weights))
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.item() == pytest.approx(expected, abs=1e-6)
        assert value > 0  # its logarithm exists
        assert gradient.isfinite().all()
