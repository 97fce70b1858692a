"""Weights of one network as the start of another."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from detector.models.detector import Detector
from detector.models.transfer import transfer
from tests.unit.models.test_detector import TINY


def network(classes: int, *, seed: int, **changes: object) -> nn.Module:
    torch.manual_seed(seed)
    return Detector(**{**TINY, **changes}, classes=classes)


def test_with_the_same_classes_everything_comes_along():
    old, new = network(2, seed=1), network(2, seed=2)
    assert transfer(new, old.state_dict(), rows=[0, 1], classes=2) == 1
    for name, value in new.state_dict().items():
        assert torch.equal(value, old.state_dict()[name]), name


def test_known_classes_keep_their_answers_new_ones_start_afresh():
    old, new = network(3, seed=1), network(2, seed=2)
    before = {name: value.clone() for name, value in new.state_dict().items()}
    share = transfer(new, old.state_dict(), rows=[None, 2], classes=3)
    assert 0.95 < share < 1
    images = torch.rand(1, 1, 16, 16)
    mine, theirs = new.eval()(images), old.eval()(images)
    assert torch.equal(mine.logits[..., 1], theirs.logits[..., 2])
    assert torch.equal(mine.boxes, theirs.boxes)
    for level in range(3):
        for kind in ("weight", "bias"):
            name = f"head.predict.{level}.{kind}"
            assert torch.equal(new.state_dict()[name][0], before[name][0])


def test_what_has_another_shape_stays_as_it_was_made():
    old, new = network(2, seed=1), network(2, seed=2, neck_widths=(8, 8, 8))
    before = {name: value.clone() for name, value in new.state_dict().items()}
    theirs = old.state_dict()
    fits = {name for name, value in before.items() if theirs[name].shape == value.shape}
    share = transfer(new, theirs, rows=[0, 1], classes=2)
    numbers = sum(before[name].numel() for name in fits)
    assert share == pytest.approx(numbers / sum(value.numel() for value in before.values()))
    for name, value in new.state_dict().items():
        assert torch.equal(value, theirs[name] if name in fits else before[name]), name


def test_the_weights_are_not_shared():
    old, new = network(2, seed=1), network(2, seed=2)
    transfer(new, old.state_dict(), rows=[0, 1], classes=2)
    stem = next(iter(old.parameters())).clone()
    with torch.no_grad():
        next(iter(new.parameters())).add_(1)
    assert torch.equal(next(iter(old.parameters())), stem)
