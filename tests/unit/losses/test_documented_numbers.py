"""Figures of docs/losses.md that no other test holds: a document that drifts from the code is wrong."""

import math

import pytest
import torch
from torch import Tensor

from detector.criterion.combine import Geometric, ShiftedGeometric
from detector.losses.box import iou_loss, paper
from detector.losses.classification import cross_entropy, quality_focal
from detector.losses.fscore import f1_from_sums, f_beta_from_sums
from detector.losses.sums import confusion_sums
from tests.unit.losses.published import bce_focal, soft_f1, varifocal
from tests.unit.losses.worked_example import MAP_PROBS, MAP_TARGETS

GEOMETRIC = Geometric(eps=1e-12)
SHIFTED = ShiftedGeometric(shift=0.1)


def factors_at(z: float) -> tuple[Tensor, Tensor]:
    """The draft's four factors and the two joint ones, where 4 positives and 12 negatives have logit z."""
    y = torch.cat((torch.ones(4), torch.zeros(12))).double()
    logits = torch.full_like(y, z)
    ce, p = cross_entropy(logits, y), logits.sigmoid()
    positive = f1_from_sums(*confusion_sums(p, y, weights=y))
    four = torch.stack((ce[:4].mean(), ce[4:].mean(), positive, torch.ones_like(positive)))
    return four, torch.stack((ce.mean(), soft_f1(p, y)))


@pytest.mark.parametrize(
    ("z", "four_geometric", "four_shifted", "joint_geometric", "joint_shifted"),
    [
        (-12, 0.0927, 1.0000, 1.7320, 1.7466),
        (-6, 0.3487, 0.8316, 1.2228, 1.2247),
        (0, 0.6326, 0.6400, 0.6798, 0.6798),
        (6, 0.0655, 0.4137, 1.6439, 1.6952),
        (12, 0.0039, 0.5040, 2.3238, 2.4239),
    ],
)
def test_one_logit_for_all_points(z, four_geometric, four_shifted, joint_geometric, joint_shifted):
    four, joint = factors_at(z)
    assert GEOMETRIC(four).item() == pytest.approx(four_geometric, abs=5e-5)
    assert SHIFTED(four).item() == pytest.approx(four_shifted, abs=5e-5)
    assert GEOMETRIC(joint).item() == pytest.approx(joint_geometric, abs=5e-5)
    assert SHIFTED(joint).item() == pytest.approx(joint_shifted, abs=5e-5)


def test_best_constant_answer_of_the_joint_form_is_an_honest_one():
    candidates = [i / 100 for i in range(-1200, 1201, 7)]
    best = min(candidates, key=lambda z: GEOMETRIC(factors_at(z)[1]).item())
    assert best == pytest.approx(-0.77, abs=0.05)


def test_mean_of_two_ranks_is_not_the_mean_of_the_batch():
    ranks = torch.tensor([[0.1, 0.9], [0.9, 0.1]])
    assert GEOMETRIC(ranks.mean(0)).item() == pytest.approx(0.5)
    assert torch.stack([GEOMETRIC(rank) for rank in ranks]).mean().item() == pytest.approx(0.3)


def test_examples_of_single_losses():
    z = torch.logit(torch.tensor(0.3))
    one, quality = torch.tensor(1.0), torch.tensor(0.8)
    assert round(bce_focal(z, one).item(), 4) == 0.8085
    assert round(cross_entropy(z, quality).item(), 4) == 1.0345
    assert round(quality_focal(z, quality).item(), 4) == 0.2586
    assert round(varifocal(z, quality).item(), 4) == 0.8276
    zero = torch.zeros(2)
    assert paper(torch.tensor([1.9, 2.1]), zero, delta=2.0).tolist() == pytest.approx([1.805, 1.1])


@pytest.mark.parametrize(("side", "expected"), [(4.0, 1 / 3), (24.0, 0.8462)])
def test_two_pixels_off_is_much_for_a_small_box(side, expected):
    box, shift = torch.tensor([0.0, 0, side, side]), torch.tensor([2.0, 0, 2, 0])
    assert 1 - iou_loss(box + shift, box).item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("positives", "beta"), [(1, 1.0), (10, 1.0), (1, 2.0), (10, 2.0)])
def test_a_perfect_answer_leaves_about_eps(positives, beta):
    zero = torch.zeros((), dtype=torch.float64)
    loss = f_beta_from_sums(zero + positives, zero, zero, beta=beta, eps=1e-7)
    assert loss.item() == pytest.approx(1e-7 * (1 / positives + 1 / (1 + beta**2)), rel=1e-5)


def test_soft_f1_asks_for_a_threshold_not_for_the_quality():
    # The gradient by p_i is negative exactly where y_i > F / 2, whatever p_i is.
    quality = MAP_TARGETS * MAP_PROBS + 0.05
    p = MAP_PROBS.clone().requires_grad_()
    loss = soft_f1(p, quality, eps=1e-12)
    (gradient,) = torch.autograd.grad(loss, p)
    score = 1 - loss.item()
    assert torch.equal(gradient < 0, quality > score / 2)
    assert math.isclose(score, 2 * (p * quality).sum().item() / (p + quality).sum().item(), rel_tol=1e-9)
