import math

import pytest
import torch
import torch.nn.functional as F
import torchvision.ops as tv
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.losses import box
from tests.unit.geometry.test_boxes import random_boxes
from tests.unit.losses.published import giou_nwd_loss, nwd_loss

seeds = st.integers(0, 2**31)
deltas = st.sampled_from([0.25, 1.0, 2.5])
quick = settings(max_examples=40, deadline=None)
COORDINATE_WISE = [box.mse, box.smooth_l1, box.huber, box.paper]
WITH_DELTA = [box.smooth_l1, box.huber, box.paper, box.norm_huber]


def random_offsets(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(3 * torch.randn(2, 6, 4, generator=generator, dtype=torch.float64))


def rotation(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q


def one(distance: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([distance, 0.0, 0.0, 0.0], dtype=torch.float64), torch.zeros(4, dtype=torch.float64)


def test_offset_losses_by_hand():
    # delta = 2; inside at d = 1, outside at d = 5.
    assert box.mse(*one(5.0))[0] == 25.0
    assert box.huber(*one(1.0), delta=2)[0] == 0.5
    assert box.huber(*one(5.0), delta=2)[0] == 2 * (5 - 1)
    assert box.smooth_l1(*one(1.0), delta=2)[0] == 0.25
    assert box.smooth_l1(*one(5.0), delta=2)[0] == 5 - 1
    assert box.paper(*one(1.0), delta=2)[0] == 0.5
    assert box.paper(*one(5.0), delta=2)[0] == 5 - 1
    t = torch.tensor([3.0, 4.0, 0.0, 0.0])
    assert box.norm_huber(t, torch.zeros(4), delta=2) == 2 * (5 - 1)
    assert box.norm_huber(t / 10, torch.zeros(4), delta=2).item() == pytest.approx(0.125)
    assert box.norm_huber(*one(1.8), delta=2).item() == pytest.approx(1.62)
    assert box.norm_huber(*one(0.6), delta=0.5).item() == pytest.approx(0.5 * (0.6 - 0.25))


@quick
@given(seeds, deltas)
def test_agree_with_torch(seed, delta):
    t, t_hat = random_offsets(seed)
    for ours, theirs in (
        (box.mse(t, t_hat), F.mse_loss(t, t_hat, reduction="none")),
        (box.smooth_l1(t, t_hat, delta=delta), F.smooth_l1_loss(t, t_hat, reduction="none", beta=delta)),
        (box.huber(t, t_hat, delta=delta), F.huber_loss(t, t_hat, reduction="none", delta=delta)),
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_only_the_printed_form_jumps_at_delta(delta):
    for loss in WITH_DELTA:
        inside, outside = loss(*one(delta), delta=delta), loss(*one(delta * (1 + 1e-9)), delta=delta)
        jump = (outside - inside).flatten()[0].item()
        expected = delta / 2 - delta**2 / 2 if loss is box.paper else 0.0
        assert jump == pytest.approx(expected, abs=1e-6)


@quick
@given(seeds)
def test_the_three_forms_are_one_at_delta_1(seed):
    t, t_hat = random_offsets(seed)
    torch.testing.assert_close(box.paper(t, t_hat), box.huber(t, t_hat))
    torch.testing.assert_close(box.paper(t, t_hat), box.smooth_l1(t, t_hat))


@quick
@given(seeds, st.floats(-50, 50))
def test_every_offset_loss_stands_translation_and_is_symmetric(seed, shift):
    t, t_hat = random_offsets(seed)
    for loss in (*COORDINATE_WISE, box.norm_huber):
        torch.testing.assert_close(loss(t + shift, t_hat + shift), loss(t, t_hat))
        torch.testing.assert_close(loss(t_hat, t), loss(t, t_hat))


@quick
@given(seeds, deltas)
def test_the_norm_form_stands_any_rotation(seed, delta):
    t, t_hat = random_offsets(seed)
    turned = box.norm_huber(t @ rotation(seed + 1), t_hat @ rotation(seed + 1), delta=delta)
    torch.testing.assert_close(turned, box.norm_huber(t, t_hat, delta=delta))


@pytest.mark.parametrize("loss", [box.smooth_l1, box.huber, box.paper])
def test_the_coordinate_wise_form_does_not(loss):
    # An error of length 1.5 along an axis, then turned by 45 degrees in the plane of the first two axes.
    along, target = one(1.5)
    turned = torch.tensor([1.5, 1.5, 0.0, 0.0], dtype=torch.float64) / math.sqrt(2)
    assert loss(along, target).sum().item() == pytest.approx(1.0)
    assert loss(turned, target).sum().item() == pytest.approx(1.1213, abs=1e-4)


@quick
@given(seeds, st.floats(1.01, 5), deltas)
def test_a_longer_error_costs_more_where_the_loss_is_continuous(seed, factor, delta):
    t, t_hat = random_offsets(seed)
    farther = t_hat + factor * (t - t_hat)
    for loss in (box.smooth_l1, box.huber, box.norm_huber):
        assert (loss(farther, t_hat, delta=delta) > loss(t, t_hat, delta=delta)).all()


@quick
@given(seeds)
def test_overlap_losses_agree_with_torchvision(seed):
    a, b = random_boxes(seed, 8), random_boxes(seed + 1, 8)
    for ours, theirs in (
        (box.giou_loss, tv.generalized_box_iou_loss),
        (box.diou_loss, tv.distance_box_iou_loss),
        (box.ciou_loss, tv.complete_box_iou_loss),
    ):
        mine, other = a.clone().requires_grad_(), a.clone().requires_grad_()
        torch.testing.assert_close(ours(mine, b), theirs(other, b), atol=1e-6, rtol=0)
        ours(mine, b).sum().backward()
        theirs(other, b).sum().backward()
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-6, rtol=1e-5)


def test_overlap_losses_by_hand():
    a, b = torch.tensor([0.0, 0, 10, 10]), torch.tensor([5.0, 5, 15, 15])
    assert box.iou_loss(a, b).item() == pytest.approx(6 / 7)
    assert box.giou_loss(a, b).item() == pytest.approx(6 / 7 + 2 / 9)
    assert box.diou_loss(a, b).item() == pytest.approx(6 / 7 + 1 / 9)
    assert box.ciou_loss(a, b).item() == pytest.approx(6 / 7 + 1 / 9)
    shifted = torch.tensor([3.0, 0, 13, 10])
    nwd = 1 - math.exp(-3 / 12.8)
    assert nwd_loss(a, shifted).item() == pytest.approx(nwd, rel=1e-3)
    # 10 x 10 shifted by 3: intersection 70, union and hull 130.
    mixed = giou_nwd_loss(a, shifted, share=0.25)
    assert mixed.item() == pytest.approx(0.75 * (1 - 7 / 13) + 0.25 * nwd, rel=1e-3)


def test_gradients_are_the_numeric_ones():
    t, t_hat = (x.requires_grad_() for x in random_offsets(0))
    for loss in (*COORDINATE_WISE, box.norm_huber):
        assert torch.autograd.gradcheck(loss, (t, t_hat))
    a, b = random_boxes(3, 6).requires_grad_(), random_boxes(4, 6).requires_grad_()
    for loss in (box.iou_loss, box.giou_loss, box.diou_loss, nwd_loss, giou_nwd_loss):
        assert torch.autograd.gradcheck(loss, (a, b))


@pytest.mark.parametrize("loss", [*COORDINATE_WISE, box.norm_huber])
def test_no_error_means_no_loss_and_no_gradient(loss):
    t = torch.ones(3, 4, requires_grad=True)
    value = loss(t, torch.ones(3, 4))
    value.sum().backward()
    assert value.abs().max() == 0
    assert t.grad.abs().max() == 0


@pytest.mark.parametrize("loss", WITH_DELTA)
@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_a_delta_that_is_not_positive_is_named(loss, delta):
    with pytest.raises(UserError, match=f"delta of a box loss must be > 0, found {delta}"):
        loss(*one(1.0), delta=delta)
