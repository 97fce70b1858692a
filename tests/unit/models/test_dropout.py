"""Dropout in the head: what training takes away, and that nothing else notices."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from detector import distributed
from detector.errors import UserError
from detector.geometry.points import encode
from detector.models.detector import Detector
from detector.models.dropout import BatchDropout2d
from detector.models.head import Head
from tests.built import built

STRIDES = (4, 8)


def model_of(dropout: float) -> Detector:
    torch.manual_seed(0)
    head = built("model/nano:head", dropout=dropout)
    return Detector(
        stem=4, widths=(4, 8), depths=(1, 1), neck_widths=(8, 8), neck_depths=(1,), head=head, classes=3
    )


def head_of(*, strides: tuple[int, ...] = STRIDES, classes: int, dropout: float) -> Head:
    """For levels of eight channels, with towers of one convolution."""
    head: Head = built("model/nano:head", dropout=dropout)(
        channels=[8] * len(strides), strides=strides, classes=classes
    )
    return head


def open_head(dropout: float) -> Head:
    """Predicts what reaches the predictions: its input, as towers and predictions let everything pass."""
    head = head_of(classes=4, dropout=dropout)
    head.towers = head.predict = nn.ModuleList([nn.Identity()] * len(STRIDES))
    return head


def by_channel(values: Tensor) -> Tensor:
    """[B, level, channel] of values [B, P, channel] that are the same at every point of a level."""
    first, second = values.split((16, 4), dim=1)
    for level in (first, second):
        torch.testing.assert_close(level, level[:, :1].expand_as(level), msg="not whole channels")
    return torch.stack((first[:, 0], second[:, 0]), dim=1)


def test_training_loses_whole_channels_and_evaluation_none():
    torch.manual_seed(0)
    head, batch = open_head(0.25), 500
    levels = [torch.ones(batch, 8, 4, 4), torch.ones(batch, 8, 2, 2)]
    output = head(levels)
    kept = 1 / 0.75
    strides = torch.tensor(STRIDES)[:, None]
    distances = encode(output.grid.points, output.boxes)
    scores, sides = by_channel(output.logits), by_channel(distances) / strides
    side = (kept + math.hypot(kept, 2)) / 2  # squareplus
    expected = torch.tensor([0, kept]), torch.tensor([1, side])
    for values, (lost, whole) in zip((scores, sides), expected, strict=True):
        gone = values.isclose(lost)
        assert torch.all(gone | values.isclose(whole))
        assert gone.float().mean().item() == pytest.approx(0.25, abs=0.03)
    # Each image and level loses its own, each prediction too.
    lost = torch.stack((scores < 0.5, sides < 1.5)).flatten(1)
    assert torch.corrcoef(lost.float())[0, 1].abs() < 0.1
    assert not torch.equal(scores[:, 0], scores[:, 1])
    assert not torch.equal(scores[0], scores[1])

    assert torch.equal(head.eval()(levels).logits, torch.ones(batch, 20, 4))


def test_ranks_lose_together_what_one_process_loses(monkeypatch: pytest.MonkeyPatch):
    drop, whole = BatchDropout2d(0.5), torch.ones(8, 16, 2, 2)
    torch.manual_seed(0)
    expected = drop(whole)
    parts, states = [], []
    monkeypatch.setattr(distributed, "world_size", lambda: 4)
    for rank in range(4):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        torch.manual_seed(0)
        parts.append(drop(whole[:2]))
        states.append(torch.get_rng_state())
    assert torch.equal(torch.cat(parts), expected)
    assert len({part.numpy().tobytes() for part in parts}) == 4
    # So the random state that rank 0 saves is that of all.
    assert all(torch.equal(state, states[0]) for state in states)


def test_a_checkpoint_fits_whatever_its_dropout():
    plain, other = model_of(0.0), model_of(0.5)
    torch.manual_seed(1)
    for parameter in plain.parameters():
        nn.init.normal_(parameter, std=0.1)
    other.load_state_dict(plain.state_dict())
    picture = torch.rand(1, 1, 16, 16)
    assert torch.equal(plain.eval()(picture).logits, other.eval()(picture).logits)


def test_without_dropout_training_draws_no_random_numbers():
    model, picture = model_of(0.0), torch.rand(1, 1, 16, 16)
    before = torch.get_rng_state()
    model(picture)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_needs_no_value_of_its_input():
    head = head_of(classes=2, dropout=0.5).to("meta")
    output = head([torch.zeros(2, 8, 4, 4, device="meta"), torch.zeros(2, 8, 2, 2, device="meta")])
    (output.logits.sum() + output.boxes.sum()).backward()


def test_it_trains_as_one_graph_in_bfloat16():
    head, levels = head_of(strides=(4,), classes=2, dropout=0.5), [torch.randn(2, 8, 4, 4)]
    compiled = torch.compile(head, fullgraph=True, backend="eager")
    outputs = []
    for call in (head, compiled):
        torch.manual_seed(0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs.append(call(levels))
    assert torch.equal(outputs[0].logits, outputs[1].logits)
    assert torch.equal(outputs[0].boxes, outputs[1].boxes)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_cannot_be_is_refused_by_key(share: float):
    with pytest.raises(UserError, match=f"^model.head.dropout={share}: must be at least 0 and below 1"):
        model_of(share)
