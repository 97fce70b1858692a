"""Parameter groups, optimizers and the learning rate over steps."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from detector.engine.optim import OptimizerFactory, WarmupCosine, load_memory, parameter_groups
from detector.errors import UserError
from tests.built import built


def test_the_learning_rate_by_hand():
    schedule = WarmupCosine(1 / 3, floor=0.1)
    factors = [schedule(step, total_steps=12) for step in range(13)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    # Half a cosine over the other 8 steps: shares 0, 1/8 .. 1.
    assert factors[4] == 1.0
    assert factors[6] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.sqrt(0.5)))
    assert factors[8] == pytest.approx(0.55)
    assert factors[12] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in pairwise(factors[3:]))


@pytest.mark.parametrize("total", [1, 2, 42, 1000])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.99])
def test_every_run_however_short_leaves_its_warmup(total, fraction):
    schedule = WarmupCosine(fraction, floor=0.1)
    factors = [schedule(step, total_steps=total) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == 1
    rising = sum(later > earlier for earlier, later in pairwise(factors))
    assert rising == max(0, round(fraction * total) - 1)


def test_no_warmup_starts_at_the_top():
    assert WarmupCosine(0.0, floor=0.0)(0, total_steps=10) == 1.0


def test_biases_and_norms_do_not_decay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    model[3].bias.requires_grad_(False)
    names = {parameter: name for name, parameter in model.named_parameters()}
    decayed, plain = parameter_groups(model, weight_decay=0.1)
    assert decayed["weight_decay"] == 0.1
    assert plain["weight_decay"] == 0.0
    assert {names[p] for p in decayed["params"]} == {"0.weight", "3.weight"}
    assert {names[p] for p in plain["params"]} == {"0.bias", "1.weight", "1.bias"}


WEIGHTS = [0.5, -2.0, 0.0]
PLAIN = {"lr": 0.1, "weight_decay": 0.0}


def linear() -> nn.Linear:
    """The weights above and a bias of 1."""
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([WEIGHTS]))
        model.bias.fill_(1.0)
    return model


def backward(model: nn.Linear, gradient: list[float]) -> None:
    """Gives the weights this gradient, and the bias none to speak of: 0."""
    (model.weight * torch.tensor([gradient])).sum().add(model.bias.sum() * 0).backward()


@pytest.mark.parametrize(
    ("factory", "gradient", "expected"),
    [
        # Decoupled: every weight shrinks by lr * decay, whatever its size.
        (built("optimizer/adamw", lr=0.1, weight_decay=0.5), [0, 0, 0], [0.475, -1.9, 0.0]),
        # Coupled: w - lr * (g + decay * w).
        (built("optimizer/sgd", lr=0.1, weight_decay=0.5), [1, 1, 1], [0.375, -2.0, -0.1]),
        # Nesterov's first step looks ahead: lr * (1 + momentum) * g.
        (built("optimizer/momentum", lr=0.1, weight_decay=0.0), [1, 1, 1], [0.31, -2.19, -0.19]),
        # Coupled: Adam's first step is lr * sign(g + decay * w), so a decay of any size moves alike.
        (built("optimizer/adam", lr=0.1, weight_decay=0.5), [0, 0, 0], [0.4, -1.9, 0.0]),
        (built("optimizer/adam", lr=0.1, weight_decay=0.5), [-1, -1, -1], [0.6, -1.9, 0.1]),
        # L1 takes its strength off the size of every weight, as part of the gradient.
        (built("optimizer/sgd", **PLAIN, l1=0.5), [1, 1, 1], [0.35, -2.05, -0.1]),
        (built("optimizer/adam", **PLAIN, l1=1e-3), [0, 0, 0], [0.4, -1.9, 0.0]),
        (built("optimizer/adamw", **PLAIN, l1=0.5), [1, 1, 1], [0.4, -2.1, -0.1]),
        (built("optimizer/adamw", **PLAIN, l1=0.5), [-0.4, -0.4, 0], [0.4, -1.9, 0.0]),
    ],
)
def test_one_step_by_hand_reaches_the_weights_only(
    factory: OptimizerFactory, gradient: list[float], expected: list[float]
):
    model = linear()
    optimizer = factory(model)
    backward(model, gradient)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), torch.tensor([expected]), rtol=1e-4, atol=1e-4)
    assert model.bias.item() == 1.0


def test_momentum_moves_ten_times_as_far_along_a_constant_gradient():
    model = linear()
    optimizer = built("optimizer/momentum", lr=0.1, weight_decay=0.0, momentum=0.9)(model)
    for _ in range(100):
        before = model.weight.detach().clone()
        optimizer.zero_grad()
        backward(model, [1, 1, 1])
        optimizer.step()
    torch.testing.assert_close(before - model.weight.detach(), torch.ones(1, 3), rtol=1e-3, atol=0)


def test_l1_leaves_out_weights_the_loss_did_not_reach():
    model = nn.ModuleList([linear(), linear()])
    optimizer = built("optimizer/sgd", **PLAIN, l1=0.5)(model)
    backward(model[0], [0, 0, 0])
    optimizer.step()
    assert model[1].weight.tolist() == [WEIGHTS]
    assert model[0].weight.tolist() != [WEIGHTS]


@pytest.mark.parametrize("scale", [None, 1024.0])
def test_l1_is_neither_clipped_nor_scaled_with_the_loss(scale: float | None):
    model = linear()
    optimizer = built("optimizer/sgd", **PLAIN, l1=0.5)(model)
    scaler = torch.amp.GradScaler("cpu", enabled=scale is not None, init_scale=scale or 1.0)
    scaler.scale(model.weight.sum()).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), 1e-9)
    scaler.step(optimizer)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([[0.45, -1.95, 0.0]]))


def test_l1_does_not_make_a_step_of_one_the_scaler_skips():
    model = linear()
    optimizer = built("optimizer/sgd", **PLAIN, l1=0.5)(model)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(model.weight.sum() * math.inf).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    assert model.weight.tolist() == [WEIGHTS]


def test_l1_goes_on_once_in_a_resumed_run_and_changes_no_checkpoint():
    def step(model: nn.Linear, optimizer: torch.optim.Optimizer) -> Tensor:
        optimizer.zero_grad()
        backward(model, [0.3, 0.2, 0.1])
        optimizer.step()
        return model.weight.detach().clone()

    whole, first = linear(), linear()
    one, two = (built("optimizer/adamw", lr=0.1, l1=0.2)(model) for model in (whole, first))
    step(whole, one)
    step(first, two)
    state = two.state_dict()
    assert state["param_groups"] == built("optimizer/adamw", lr=0.1)(linear()).state_dict()["param_groups"]

    resumed = linear()
    optimizer = built("optimizer/adamw", lr=0.1, l1=0.2)(resumed)
    resumed.load_state_dict(first.state_dict())
    optimizer.load_state_dict(state)
    assert torch.equal(step(resumed, optimizer), step(whole, one))


def test_a_saved_memory_is_taken_up_with_the_settings_of_now():
    saved, model = linear(), linear()
    before = built("optimizer/momentum", lr=0.1, weight_decay=0.0, momentum=0.9)(saved)
    backward(saved, [1, 2, 3])
    before.step()
    optimizer = built("optimizer/momentum", lr=0.2, weight_decay=0.5, momentum=0.8)(model)
    load_memory(optimizer, before.state_dict(), source="last.pt")
    settings = [
        tuple(group[name] for name in ("lr", "weight_decay", "momentum")) for group in optimizer.param_groups
    ]
    assert settings == [(0.2, 0.5, 0.8), (0.2, 0.0, 0.8)]
    assert optimizer.state[model.weight]["momentum_buffer"].tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: built("optimizer/adamw", lr=0.0), "optimizer.lr=0.0"),
        (lambda: built("optimizer/adamw", lr=float("nan")), "optimizer.lr=nan"),
        (lambda: built("optimizer/adamw", weight_decay=-1.0), "optimizer.weight_decay=-1.0"),
        (lambda: built("optimizer/adamw", l1=-1.0), "optimizer.l1=-1.0"),
        (lambda: built("optimizer/adam", lr=-1.0), "optimizer.lr=-1.0"),
        (lambda: built("optimizer/adam", l1=float("nan")), "optimizer.l1=nan"),
        (lambda: built("optimizer/momentum", lr=-1.0), "optimizer.lr=-1.0"),
        (lambda: built("optimizer/momentum", l1=-1.0), "optimizer.l1=-1.0"),
        (lambda: built("optimizer/momentum", momentum=1.0), "optimizer.momentum=1.0"),
    ],
)
def test_values_that_cannot_be_are_refused_by_key(make, key):
    with pytest.raises(UserError, match=key):
        make()
