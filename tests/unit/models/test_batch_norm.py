"""Synchronised batch norm alone: a plain one. Over several ranks: tests/integration/test_data_parallel.py."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from detector.models.batch_norm import SyncBatchNorm2d, synchronise
from tests.unit.engine.builders import model_of


def trained(norm: nn.BatchNorm2d, x: Tensor) -> list[Tensor]:
    """Output, gradients and statistics of one training step."""
    x = x.clone().requires_grad_()
    y = norm.train()(x)
    (y * torch.linspace(-1, 2, y.numel()).view_as(y).to(y.dtype)).sum().backward()
    return [
        value.detach() for value in (y, x.grad, norm.weight.grad, norm.bias.grad, *norm.state_dict().values())
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_rank_is_a_plain_batch_norm(dtype: torch.dtype):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.BatchNorm2d(3))
    nn.init.normal_(plain[0].weight)
    nn.init.normal_(plain[0].bias)
    synced = copy.deepcopy(plain)
    synchronise(synced)
    # So far from zero that a variance from sums of squares would be wrong by a tenth; a sum of another
    # number of threads is wrong by 2e-4.
    x = (torch.randn(4, 3, 5, 6) + 1000 * (dtype is torch.float32)).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    for mine, wanted in zip(trained(synced[0], x), trained(plain[0], x), strict=True):
        assert mine.dtype == wanted.dtype
        tolerance = 1e-2 if mine.dtype is torch.bfloat16 else 2e-3
        torch.testing.assert_close(mine, wanted, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(synced.eval()(x), plain.eval()(x))


def test_its_gradient_is_right():
    norm = SyncBatchNorm2d(2).double()
    norm.momentum = 0.0  # the check calls it again and again
    x = torch.randn(3, 2, 4, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (x,))


def test_a_synchronised_network_holds_the_same_tensors_under_the_same_names():
    model = model_of()
    before = model.state_dict()
    synchronise(model)
    kinds = {type(module) for module in model.modules() if isinstance(module, nn.BatchNorm2d)}
    assert kinds == {SyncBatchNorm2d}
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(after[name].data_ptr() == before[name].data_ptr() for name in before)
    assert {name for name, _ in model.named_parameters()} <= after.keys()
