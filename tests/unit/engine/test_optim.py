"""Parameter groups, optimizers and the learning rate over steps."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from detector.engine.optim import AdamW, OptimizerFactory, Sgd, WarmupCosine, parameter_groups
from detector.errors import UserError


def test_the_learning_rate_by_hand():
    schedule = WarmupCosine(warmup_steps=4, floor=0.1)
    factors = [schedule(step, total_steps=12) for step in range(13)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    # Half a cosine over the other 8 steps: shares 0, 1/8 .. 1.
    assert factors[4] == 1.0
    assert factors[6] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.sqrt(0.5)))
    assert factors[8] == pytest.approx(0.55)
    assert factors[12] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in pairwise(factors[3:]))


@pytest.mark.parametrize("total", [1, 3, 5])
def test_the_learning_rate_of_a_run_shorter_than_its_warmup_stays_in_range(total):
    schedule = WarmupCosine(warmup_steps=5, floor=0.1)
    assert all(0 < schedule(step, total_steps=total) <= 1 for step in range(10))


def test_no_warmup_starts_at_the_top():
    assert WarmupCosine(warmup_steps=0, floor=0.0)(0, total_steps=10) == 1.0


def test_biases_and_norms_do_not_decay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    model[3].bias.requires_grad_(False)
    names = {parameter: name for name, parameter in model.named_parameters()}
    decayed, plain = parameter_groups(model, weight_decay=0.1)
    assert decayed["weight_decay"] == 0.1
    assert plain["weight_decay"] == 0.0
    assert {names[p] for p in decayed["params"]} == {"0.weight", "3.weight"}
    assert {names[p] for p in plain["params"]} == {"0.bias", "1.weight", "1.bias"}


@pytest.mark.parametrize("factory", [AdamW(lr=0.1, weight_decay=0.5), Sgd(lr=0.1, weight_decay=0.5)])
def test_decay_reaches_the_weights_only(factory: OptimizerFactory):
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.bias.fill_(1.0)
    before = model.weight.detach().clone()
    optimizer = factory(model)
    model(torch.zeros(1, 3)).sum().mul(0).backward()  # every gradient is zero
    optimizer.step()
    assert torch.equal(model.bias, torch.ones(2))
    assert torch.all(model.weight.abs() < before.abs())


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: AdamW(lr=0.0), "optimizer.lr=0.0"),
        (lambda: AdamW(lr=float("nan")), "optimizer.lr=nan"),
        (lambda: AdamW(weight_decay=-1.0), "optimizer.weight_decay=-1.0"),
        (lambda: Sgd(lr=-1.0), "optimizer.lr=-1.0"),
        (lambda: Sgd(momentum=1.0), "optimizer.momentum=1.0"),
        (lambda: WarmupCosine(warmup_steps=-1), "engine.warmup_steps=-1"),
        (lambda: WarmupCosine(floor=1.5), "engine.lr_floor=1.5"),
    ],
)
def test_values_that_cannot_be_are_refused_by_key(make, key):
    with pytest.raises(UserError, match=key):
        make()
