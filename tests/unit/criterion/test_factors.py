"""The factors from sums, and what each reading of F1 on hard negatives teaches."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from detector.criterion.factors import (
    BatchSums,
    classification,
    joint,
    per_class,
    per_sample,
    split,
    split_background,
)
from detector.losses.classification import cross_entropy
from detector.losses.fscore import f_beta_from_sums
from detector.losses.region import dice_from_sums
from tests.unit.losses.published import soft_f1


def sums_of(positives: Tensor, negatives: Tensor) -> BatchSums:
    """Of one class, from the logits of positives and of selected negatives."""
    p, n = positives.sigmoid(), negatives.sigmoid()  # one class: [C] is [1]
    return BatchSums(
        positive_loss=cross_entropy(positives, torch.ones_like(positives)).sum(),
        negative_loss=cross_entropy(negatives, torch.zeros_like(negatives)).sum(),
        positives=torch.tensor(float(len(positives))),
        selected=torch.tensor(float(len(negatives))),
        negatives=torch.tensor(float(len(negatives))),
        truth=torch.tensor(float(len(positives))),
        tp=p.sum()[None],
        fp=0 * p.sum()[None],
        fn=(1 - p).sum()[None],
        negative_p=n.sum()[None],
        positive_f1=soft_f1(p[:, None], torch.ones(len(p), 1), dim=1).sum(),
        negative_f1=soft_f1(1 - n[:, None], torch.ones(len(n), 1), dim=1).sum(),
    )


def logits() -> tuple[Tensor, Tensor]:
    """Two positives, p = 0.8 and 0.5; three negatives, p = 0.3, 0.2 and 0.1."""
    positives = torch.tensor([0.8, 0.5]).logit().requires_grad_()
    negatives = torch.tensor([0.3, 0.2, 0.1]).logit().requires_grad_()
    return positives, negatives


def slope(value: Tensor, of: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(value, of, allow_unused=True, materialize_grads=True)
    return gradient


CE_POSITIVE = 0.22314 + 0.69315
CE_NEGATIVE = 0.35667 + 0.22314 + 0.10536


def test_joint_factors_by_hand():
    found = joint(sums_of(*logits()))
    assert list(found) == ["cls", "f1"]
    assert found["cls"].item() == pytest.approx((CE_POSITIVE + CE_NEGATIVE) / 2, abs=1e-5), "per truth"
    # tp 1.3, fp 0.6, fn 0.7
    assert found["f1"].item() == pytest.approx(1 - 2.6 / (2.6 + 0.6 + 0.7), abs=1e-6)


def test_classification_alone_is_the_first_factor_of_joint():
    sums = sums_of(*logits())
    assert classification(sums) == {"cls": joint(sums)["cls"]}


def test_split_factors_by_hand_in_the_order_of_the_literal_product():
    found = split(sums_of(*logits()))
    assert list(found) == ["cls_pos", "cls_hn", "f1_pos", "f1_hn"]
    expected = [CE_POSITIVE / 2, CE_NEGATIVE / 3, 1 - 2.6 / (2.6 + 0.7), 1.0]
    assert [value.item() for value in found.values()] == pytest.approx(expected, abs=1e-5)


def test_the_background_reading_by_hand():
    found = split_background(sums_of(*logits()))
    # Of the background: tp = 0.7 + 0.8 + 0.9, fp = 0, fn = 0.6.
    assert found["f1_hn"].item() == pytest.approx(1 - 4.8 / (4.8 + 0.6), abs=1e-6)
    assert list(found) == list(split(sums_of(*logits())))


def test_the_reading_of_every_sample_by_hand():
    found = per_sample(sums_of(*logits()))
    assert list(found) == ["cls", "f1"]
    assert found["cls"].item() == pytest.approx((CE_POSITIVE + CE_NEGATIVE) / 2, abs=1e-5), "per truth"
    # A positive: 1 - 2p / (1 + p); a negative of background probability q: 1 - 2q / (1 + q).
    alone = [1 - 2 * p / (1 + p) for p in (0.8, 0.5, 0.7, 0.8, 0.9)]
    assert found["f1"].item() == pytest.approx(sum(alone) / 5, abs=1e-6)


def test_in_the_warm_up_sums_over_all_negatives_are_divided_by_the_number_mining_would_keep():
    """Three negatives are selected, of which mining would keep one."""
    sums = sums_of(*logits())._replace(negatives=torch.tensor(1.0))
    assert split(sums)["cls_hn"].item() == pytest.approx(CE_NEGATIVE, abs=1e-5)
    alone = [1 - 2 * p / (1 + p) for p in (0.8, 0.5, 0.7, 0.8, 0.9)]
    assert per_sample(sums)["f1"].item() == pytest.approx(sum(alone) / 3, abs=1e-6)
    # A set loss is no mean: the background's counts are those of all that are selected.
    assert split_background(sums)["f1_hn"].item() == pytest.approx(1 - 4.8 / (4.8 + 0.6), abs=1e-6)


def test_the_classification_loss_is_per_unit_of_truth_and_not_per_positive():
    sums = sums_of(*logits())._replace(truth=torch.tensor(1.25))  # two positives of quality 1 and 1/4
    assert sums.classification.item() == pytest.approx((CE_POSITIVE + CE_NEGATIVE) / 1.25, abs=1e-5)


def test_read_literally_f1_on_hard_negatives_teaches_nothing():
    positives, negatives = logits()
    value = split(sums_of(positives, negatives))["f1_hn"]
    assert value.item() == 1.0
    assert not value.requires_grad
    # And so says the loss itself, on that set alone.
    alone = soft_f1(negatives.sigmoid(), torch.zeros(3))
    assert alone.item() == 1.0
    assert slope(alone, negatives).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("factors", "name"), [(split_background, "f1_hn"), (joint, "f1"), (per_sample, "f1")]
)
def test_the_other_readings_push_hard_negatives_down(factors, name: str):
    positives, negatives = logits()
    value = factors(sums_of(positives, negatives))[name]
    assert (slope(value, negatives) > 1e-3).all()


def test_only_the_joint_readings_pull_positives_up_with_the_same_factor():
    positives, negatives = logits()
    for reading in (joint, per_sample):
        assert (slope(reading(sums_of(positives, negatives))["f1"], positives) < -1e-3).all()
    sums = sums_of(positives, negatives)
    assert (slope(split_background(sums)["f1_hn"], positives) == 0).all()


def test_f1_of_each_sample_teaches_positives_only():
    positives, negatives = logits()
    probs = torch.cat((positives, negatives)).sigmoid()[:, None]
    per_sample = soft_f1(probs, torch.tensor([1.0, 1, 0, 0, 0])[:, None], dim=1)
    assert (slope(per_sample.mean(), positives) < -1e-3).all()
    per_sample = soft_f1(negatives.sigmoid()[:, None], torch.zeros(3, 1), dim=1)
    assert per_sample.tolist() == [1, 1, 1]
    assert slope(per_sample.mean(), negatives).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_f_term_can_be_another_one():
    sums = sums_of(*logits())
    f2 = joint(sums, set_loss=partial(f_beta_from_sums, beta=2.0))["f1"]
    assert f2.item() == pytest.approx(1 - 5 * 1.3 / (5 * 1.3 + 4 * 0.7 + 0.6), abs=1e-6)
    dice = split(sums, set_loss=partial(dice_from_sums, smooth=1.0))["f1_pos"]
    assert dice.item() == pytest.approx(1 - 3.6 / 4.3, abs=1e-6)
    dice = split_background(sums, set_loss=partial(dice_from_sums, smooth=1.0))["f1_hn"]
    assert dice.item() == pytest.approx(1 - 5.8 / 6.4, abs=1e-6)


def test_every_class_answers_for_its_own_f1():
    """Class 0: tp 8, fp 1 + 1, fn 2; class 1: tp 0, fn 5, no alarm; class 2 has no truth but an alarm."""
    sums = sums_of(*logits())._replace(
        tp=torch.tensor([8.0, 0.0, 0.0]),
        fp=torch.tensor([1.0, 0.0, 0.0]),
        fn=torch.tensor([2.0, 5.0, 0.0]),
        negative_p=torch.tensor([1.0, 0.0, 3.0]),
    )
    assert per_class(sums)["f1"].item() == pytest.approx(((1 - 16 / 20) + 1) / 2, abs=1e-6)
    assert joint(sums)["f1"].item() == pytest.approx(1 - 16 / (16 + 1 + 7 + 4), abs=1e-6)


def test_without_positives_the_f1_of_the_classes_is_one():
    _, negatives = logits()
    assert per_class(sums_of(torch.zeros(0), negatives))["f1"].item() == 1


def test_with_one_class_the_pooled_f1_is_the_classes_f1():
    sums = sums_of(*logits())
    assert per_class(sums)["f1"].item() == pytest.approx(joint(sums)["f1"].item())


@pytest.mark.parametrize("factors", [joint, per_class, per_sample, split, split_background])
def test_empty_sets_are_finite(factors):
    nothing = torch.zeros(0, requires_grad=True)
    for name, value in factors(sums_of(nothing, nothing)).items():
        assert 0 <= value.item() <= 1, name
        assert torch.isfinite(slope(value + 0 * nothing.sum(), nothing)).all()
