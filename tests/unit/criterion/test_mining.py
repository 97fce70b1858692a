"""Hard negatives against a plain loop, and at the ends of every range."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from detector.criterion.mining import HardNegatives, hardest
from detector.errors import UserError
from tests.built import built


def mined(**changes: Any) -> HardNegatives:
    """As configured, but for the changes."""
    made: HardNegatives = built("criterion/composite:mining", **changes)
    return made


def naive(mining: HardNegatives, losses: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, int]:
    """The rule as a loop: selected points and how many."""
    batch = range(len(losses))
    sets = [list(batch)] if mining.scope == "batch" else [[b] for b in batch]
    selected = torch.zeros_like(negative)
    total = 0
    for images in sets:
        places = [(b, p) for b in images for p in range(losses.shape[1]) if negative[b, p]]
        places.sort(key=lambda place: -losses[place].item())  # Stable: ties stay in order.
        k = max(math.floor(mining.ratio * int(positive[images].sum())), mining.min_kept)
        k = min(k, len(places), k if mining.max_kept is None else mining.max_kept)
        for place in places[:k]:
            selected[place] = True
        total += k
    return selected, total


def scene(*, seed: int, ties: bool, batch: int = 3, points: int = 30) -> tuple[Tensor, Tensor, Tensor]:
    """losses, positive, negative; about 2 positives and 3 ignored points in an image, none in the last."""
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(batch, points, generator=generator) * 4
    kind = torch.rand(batch, points, generator=generator)
    positive = kind < 0.07
    positive[-1] = False
    return losses.round() if ties else losses, positive, ~positive & (kind < 0.9)


@pytest.mark.parametrize("scope", ["batch", "image"])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    ("ratio", "min_kept", "max_kept"),
    [(3.0, 4, None), (0.5, 0, None), (2.5, 1, 6), (0.0, 0, None), (1e6, 0, None), (0.0, 10**6, None)],
    ids=["usual", "floored", "capped", "none", "all by ratio", "all by min_kept"],
)
def test_it_is_the_rule_written_as_a_loop(
    scope: str, ties: bool, ratio: float, min_kept: int, max_kept: int | None
):
    mining = mined(ratio=ratio, scope=scope, min_kept=min_kept, max_kept=max_kept)
    for seed in range(5):
        losses, positive, negative = scene(seed=seed, ties=ties)
        selected, k = mining(losses, positive, negative, progress=1.0)
        expected, count = naive(mining, losses, positive, negative)
        assert torch.equal(selected, expected)
        assert k.item() == count


def test_k_is_rounded_down():
    positive = torch.tensor([[True, True, True, False, False, False, False, False]])
    mining = mined(ratio=1.5, min_kept=0)
    selected, k = mining(torch.arange(8.0)[None], positive, ~positive, progress=1.0)
    assert k.item() == 4
    assert selected[0].nonzero().flatten().tolist() == [4, 5, 6, 7]


def test_as_many_as_are_kept_at_least_may_be_kept_at_most():
    negative = torch.ones(1, 6, dtype=torch.bool)
    mining = mined(min_kept=2, max_kept=2)
    for positive in (torch.zeros(1, 6, dtype=torch.bool), torch.tensor([[True] * 3 + [False] * 3])):
        _, k = mining(torch.arange(6.0)[None], positive, negative & ~positive, progress=1.0)
        assert k.item() == 2


def test_the_batch_spends_its_negatives_on_the_confusing_image_and_images_share():
    losses = torch.tensor([[9.0, 8, 7, 6], [1, 2, 3, 0]])
    positive = torch.tensor([[False] * 4, [False, False, False, True]])
    negative = ~positive
    together, _ = mined(ratio=2, scope="batch", min_kept=0)(losses, positive, negative, progress=1.0)
    assert together.tolist() == [[True, True, False, False], [False] * 4]
    apart, _ = mined(ratio=2, scope="image", min_kept=1)(losses, positive, negative, progress=1.0)
    assert apart.tolist() == [[True, False, False, False], [False, True, True, False]]


def test_a_point_that_is_no_negative_is_never_taken():
    losses = torch.tensor([[99.0, 1, 98, 0]])
    positive = torch.tensor([[True, False, False, False]])
    negative = torch.tensor([[False, True, False, True]])  # The third is to be ignored.
    selected, k = mined(ratio=3, min_kept=16)(losses, positive, negative, progress=1.0)
    assert selected.tolist() == negative.tolist()
    assert k.item() == 2


def test_every_negative_counts_during_the_warm_up_over_the_number_that_mining_keeps():
    losses, positive, negative = scene(seed=0, ties=False)
    mining = mined(ratio=1, min_kept=2, warmup_fraction=0.25)
    _, k = mining(losses, positive, negative, progress=0.25)
    for progress, expected in (
        (0.0, negative),
        (0.24, negative),
        (0.25, naive(mining, losses, positive, negative)[0]),
    ):
        for told in (progress, torch.tensor(progress, dtype=torch.float64)):
            selected, count = mining(losses, positive, negative, progress=told)
            assert torch.equal(selected, expected), progress
            assert count.item() == k.item() < negative.sum()


def test_the_choice_passes_no_gradient():
    losses, positive, negative = scene(seed=0, ties=False)
    selected, k = mined()(losses.requires_grad_(), positive, negative, progress=1.0)
    assert not selected.requires_grad
    assert not k.requires_grad


def test_ranks_of_each_row_by_hand():
    losses = torch.tensor([[1.0, 3, 2, 3], [5, 5, 5, 5], [1, 2, 3, 4]])
    assert hardest(losses, torch.tensor([2, 3, 0])).tolist() == [
        [False, True, False, True],
        [True, True, True, False],
        [False] * 4,
    ]


@pytest.mark.parametrize("count", [1, 7, 400, 999, 1000])
def test_the_hardest_are_the_first_of_a_stable_sort(count: int):
    generator = torch.Generator().manual_seed(count)
    losses = torch.randn(3, 1000, generator=generator) ** 3
    losses[:, ::7] = -torch.inf
    losses[1] = losses[1].round()  # many ties, and zeros of both signs
    losses[2] *= 1e-38  # down to numbers that are not normal
    expected = torch.zeros(3, 1000, dtype=torch.bool)
    first = losses.argsort(dim=1, descending=True, stable=True)[:, :count]
    expected.scatter_(1, first, True)
    assert torch.equal(hardest(losses, torch.full((3,), count)), expected)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"scope": "epoch"}, "scope must be batch or image, found 'epoch'"),
        ({"ratio": -1.0}, "ratio >= 0"),
        ({"min_kept": 5, "max_kept": 4}, "min_kept <= max_kept.*max_kept=4"),
        ({"warmup_fraction": 1.5}, "mining.warmup_fraction=1.5: must be between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused(setting: dict, message: str):
    with pytest.raises(UserError, match=message):
        mined(**setting)
