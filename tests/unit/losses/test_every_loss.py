"""What all losses promise alike: precision, devices, shapes, no surprise on extreme input."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from detector.losses import box
from detector.losses.classification import (
    balanced_cross_entropy,
    bce_focal,
    cross_entropy,
    focal,
    quality_focal,
    varifocal,
)
from detector.losses.fscore import soft_f1, soft_f_beta
from detector.losses.region import dice, soft_iou

Loss = Callable[[Tensor, Tensor], Tensor]


def balanced(logits: Tensor, targets: Tensor) -> Tensor:
    return balanced_cross_entropy(logits, targets, beta=0.9)


ON_LOGITS: list[Loss] = [cross_entropy, balanced, focal, bce_focal, quality_focal, varifocal]
ON_PROBS: list[Loss] = [dice, soft_iou, soft_f_beta, soft_f1]
ON_BOXES: list[Loss] = [
    box.mse,
    box.smooth_l1,
    box.huber,
    box.paper,
    box.norm_huber,
    box.iou_loss,
    box.giou_loss,
    box.diou_loss,
    box.ciou_loss,
    box.nwd_loss,
    box.giou_nwd_loss,
]


def inputs(loss: Loss) -> tuple[Tensor, Tensor]:
    """Ordinary input for the loss, float64."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    if loss in ON_LOGITS:
        return x, (x > 0.5).double()
    if loss in ON_PROBS:
        return x.sigmoid(), (x > 0.5).double()
    sizes = torch.tensor([0.0, 0.0, 9.0, 7.0], dtype=torch.float64)
    return x + sizes, x.flip(0) + sizes


every_loss = pytest.mark.parametrize("loss", [*ON_LOGITS, *ON_PROBS, *ON_BOXES], ids=lambda f: f.__name__)


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


@pytest.mark.parametrize("loss", [*ON_LOGITS, *ON_PROBS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_of_100_either_way_are_finite(loss, dtype):
    logits = torch.tensor([-100.0, -100.0, 100.0, 100.0, 0.0, -1e4, 1e4], dtype=dtype, requires_grad=True)
    targets = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    value = loss(logits if loss in ON_LOGITS else logits.sigmoid(), targets)
    value.sum().backward()
    assert value.isfinite().all()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    "loss", [*ON_LOGITS, box.mse, box.norm_huber, box.ciou_loss], ids=lambda f: f.__name__
)
def test_nothing_in_gives_nothing_out(loss):
    empty = torch.zeros(0, 4, requires_grad=True)
    value = loss(empty, torch.zeros(0, 4))
    value.sum().backward()
    assert value.sum() == 0
    assert empty.grad.shape == (0, 4)


@pytest.mark.parametrize("loss", ON_PROBS, ids=lambda f: f.__name__)
def test_a_set_without_points_is_finite(loss):
    empty = torch.zeros(0, 4, requires_grad=True)
    value = loss(empty, torch.zeros(0, 4))
    value.backward()
    assert value.isfinite()
