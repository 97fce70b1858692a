"""What all losses promise alike: precision, devices, shapes, no surprise on extreme input."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from detector.losses import box
from detector.losses.classification import balanced_cross_entropy, cross_entropy, quality_focal
from tests.unit.losses import published
from tests.unit.losses.published import soft_f1, soft_f_beta

Loss = Callable[[Tensor, Tensor], Tensor]


ON_LOGITS: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "balanced": partial(balanced_cross_entropy, beta=0.9),
    "focal": published.focal,
    "bce_focal": published.bce_focal,
    "quality_focal": quality_focal,
    "varifocal": published.varifocal,
}
ON_PROBS: dict[str, Loss] = {
    "dice": published.dice,
    "soft_iou": published.soft_iou,
    "soft_f_beta": partial(soft_f_beta, beta=2.0),
    "soft_f1": soft_f1,
}
ON_BOXES: dict[str, Loss] = {
    "mse": box.mse,
    "smooth_l1": box.smooth_l1,
    "huber": box.huber,
    "paper": box.paper,
    "norm_huber": box.norm_huber,
    "iou": box.iou_loss,
    "giou": box.giou_loss,
    "diou": box.diou_loss,
    "ciou": box.ciou_loss,
    "nwd": published.nwd_loss,
    "giou_nwd": published.giou_nwd_loss,
}


def inputs(loss: Loss) -> tuple[Tensor, Tensor]:
    """Ordinary input for the loss, float64."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    if loss in ON_LOGITS.values():
        return x, (x > 0.5).double()
    if loss in ON_PROBS.values():
        return x.sigmoid(), (x > 0.5).double()
    sizes = torch.tensor([0.0, 0.0, 9.0, 7.0], dtype=torch.float64)
    return x + sizes, x.flip(0) + sizes


def each_of(losses: dict[str, Loss]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("loss", losses.values(), ids=losses.keys())


every_loss = each_of(ON_LOGITS | ON_PROBS | ON_BOXES)


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_computed_in_float32(loss, dtype):
    predicted, target = (x.to(dtype) for x in inputs(loss))
    predicted.requires_grad_()
    value = loss(predicted, target)
    value.sum().backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(predicted.float(), target.float()), atol=0, rtol=0)
    assert predicted.grad.dtype == dtype
    assert predicted.grad.isfinite().all()


@every_loss
def test_float64_stays_and_float32_is_close_to_it(loss):
    predicted, target = inputs(loss)
    exact = loss(predicted, target)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(loss(predicted.float(), target.float()).double(), exact, atol=1e-5, rtol=1e-4)


@every_loss
def test_runs_on_the_meta_device_forward_and_backward(loss):
    predicted = torch.zeros(2, 5, 4, device="meta", requires_grad=True)
    loss(predicted, torch.zeros(2, 5, 4, device="meta")).sum().backward()
    assert predicted.grad.shape == (2, 5, 4)


@every_loss
def test_leaves_its_arguments_alone(loss):
    predicted, target = inputs(loss)
    before = predicted.clone(), target.clone()
    loss(predicted, target)
    assert torch.equal(predicted, before[0])
    assert torch.equal(target, before[1])


@every_loss
def test_shapes_that_would_broadcast_are_refused(loss):
    predicted, target = inputs(loss)
    with pytest.raises(ValueError, match=r"two tensors of one shape, found \(6, 4\) and \(6, 1\)"):
        loss(predicted, target[:, :1])


@each_of(ON_LOGITS | ON_PROBS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_of_100_either_way_are_finite(loss, dtype):
    logits = torch.tensor([-100.0, -100.0, 100.0, 100.0, 0.0, -1e4, 1e4], dtype=dtype, requires_grad=True)
    targets = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    value = loss(logits if loss in ON_LOGITS.values() else logits.sigmoid(), targets)
    value.sum().backward()
    assert value.isfinite().all()
    assert logits.grad.isfinite().all()


@each_of(ON_LOGITS | {name: ON_BOXES[name] for name in ("mse", "norm_huber", "ciou")})
def test_nothing_in_gives_nothing_out(loss):
    empty = torch.zeros(0, 4, requires_grad=True)
    value = loss(empty, torch.zeros(0, 4))
    value.sum().backward()
    assert value.sum() == 0
    assert empty.grad.shape == (0, 4)


@each_of(ON_PROBS)
def test_a_set_without_points_is_finite(loss):
    empty = torch.zeros(0, 4, requires_grad=True)
    value = loss(empty, torch.zeros(0, 4))
    value.backward()
    assert value.isfinite()
