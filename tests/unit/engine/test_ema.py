"""The moving average of the weights."""

import pytest
import torch
from torch import nn

from detector.engine.ema import Ema


def constant(value: float) -> nn.Linear:
    model = nn.Linear(1, 1)
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


def test_the_ramp_by_hand():
    model = constant(0.0)
    ema = Ema(model, decay=0.5)
    model.load_state_dict(constant(1.0).state_dict())
    # Decays 2/11, 3/12, 4/13, .. until they reach 1/2 at n = 8: 9/18.
    rest = 1.0
    for n in range(1, 12):
        ema.update()
        rest *= min(0.5, (1 + n) / (10 + n))
        assert ema.model.weight.item() == pytest.approx(1 - rest, abs=1e-6)
    assert ema.updates == 11


def test_it_is_a_frozen_copy_that_leaves_the_model_alone():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    ema = Ema(model, decay=0.9)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    ema.update()
    assert model.training
    assert not ema.model.training
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in ema.model.parameters())
    assert all(torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))
    own = {value.data_ptr() for value in model.state_dict().values()}
    assert own.isdisjoint(value.data_ptr() for value in ema.model.state_dict().values())


def test_integer_buffers_are_copied():
    model = nn.BatchNorm1d(2)
    ema = Ema(model, decay=0.9)
    model.num_batches_tracked.fill_(41)
    ema.update()
    assert ema.model.num_batches_tracked.item() == 41


def test_it_converges_to_a_model_that_stands_still():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    ema = Ema(model, decay=0.9)
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    for _ in range(300):
        ema.update()
    for mine, theirs in zip(ema.model.state_dict().values(), model.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_initial_variance_is_gone_after_a_few_hundred_steps():
    """With a constant decay a tenth of it was left after 1,100 steps, and the model detected nothing."""
    model = nn.BatchNorm1d(1)  # its running variance starts at 1
    ema = Ema(model, decay=0.998)
    model.running_var.zero_()  # so what the average holds is the share of the initial one
    for _ in range(200):
        ema.update()
    assert ema.model.running_var.item() < 1e-10
    assert 0.998**1100 > 0.1
