"""The criteria over every point: one classification sum, or one set."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from detector.criterion.dense import Dense
from detector.criterion.region import Region
from detector.losses.box import giou_loss, huber
from detector.losses.classification import cross_entropy, focal
from detector.losses.region import dice_from_sums
from detector.tensors import Assignment, GridLevel, HeadOutput
from tests.built import built
from tests.heads import assignment_of, criterion, head_of, targets_of

TARGETS = targets_of([])


def four_points() -> tuple[HeadOutput, Assignment]:
    """Two classes. Points 0 and 1 are positive for class 0, 2 is negative, 3 ignored. Boxes fit exactly."""
    scores = torch.tensor([[0.8, 0.1], [0.5, 0.2], [0.3, 0.4], [0.9, 0.9]])
    output = head_of(scores.logit()[None], levels=(GridLevel(1, 4, 4),))
    boxes = torch.cat((output.grid.points - 4, output.grid.points + 4), dim=1)
    positive = torch.tensor([[True, True, False, False]])
    return output, assignment_of(
        positive,
        boxes=boxes,
        quality=torch.tensor([1.0, 0.25, 0, 0]),
        ignored=torch.tensor([[False, False, False, True]]),
    )


def ce(p: float, y: float) -> float:
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


def test_hard_targets_are_summed_over_the_number_of_positives():
    dense = Dense(
        classification=cross_entropy, box=giou_loss, cls_weight=1.0, box_weight=1.0, quality_targets=False
    )
    terms = dense(*four_points(), TARGETS, progress=0.0)
    expected = ce(0.8, 1) + ce(0.1, 0) + ce(0.5, 1) + ce(0.2, 0) + ce(0.3, 0) + ce(0.4, 0)
    assert terms.parts["cls"].item() == pytest.approx(expected / 2, abs=1e-5)
    assert terms.parts["positives"].item() == 2


def test_quality_targets_are_summed_over_their_sum():
    dense = Dense(
        classification=cross_entropy, box=giou_loss, cls_weight=0.5, box_weight=7.5, quality_targets=True
    )
    output, assignment = four_points()
    terms = dense(output, assignment, TARGETS, progress=0.0)
    expected = ce(0.8, 1) + ce(0.1, 0) + ce(0.5, 0.25) + ce(0.2, 0) + ce(0.3, 0) + ce(0.4, 0)
    assert terms.parts["cls"].item() == pytest.approx(expected / 1.25, abs=1e-5)
    assert terms.total.item() == pytest.approx(0.5 * expected / 1.25, abs=1e-5)


def test_the_focal_configuration_is_the_field_baseline():
    output, assignment = four_points()
    terms = criterion("focal")(output, assignment, TARGETS, progress=0.0)
    target = torch.zeros(3, 2)
    target[:2, 0] = 1
    expected = focal(output.logits[0, :3], target, alpha=0.25, gamma=2.0).sum() / 2
    assert terms.parts["cls"].item() == pytest.approx(expected.item())


def test_balanced_cross_entropy_teaches_a_batch_without_objects():
    output, _ = four_points()
    nothing = assignment_of(torch.zeros(1, 4, dtype=torch.bool), boxes=torch.zeros(4))
    terms = criterion("balanced_ce")(output, nothing, TARGETS, progress=0.0)
    expected = 0.01 * sum(ce(p, 0) for p in (0.8, 0.1, 0.5, 0.2, 0.3, 0.4, 0.9, 0.9))
    assert terms.parts["cls"].item() == pytest.approx(expected, abs=1e-5)


def test_all_points_not_ignored_are_one_set():
    region = Region(region=partial(dice_from_sums, smooth=1.0), box=giou_loss, cls_weight=2.0, box_weight=1.0)
    terms = region(*four_points(), TARGETS, progress=0.0)
    # tp = 1.3, sum of p = 2.3 and of y = 2.
    assert terms.parts["cls"].item() == pytest.approx(1 - (2 * 1.3 + 1) / (2.3 + 2 + 1), abs=1e-5)
    assert terms.total.item() == pytest.approx(2 * terms.parts["cls"].item(), abs=1e-5)
    assert terms.parts["positives"].item() == 2


def test_a_box_loss_of_edges_counts_by_its_mean():
    dense = built("criterion/focal", box=partial(huber, delta=1.0))
    output, assignment = four_points()
    moved = output.boxes + torch.tensor([3.0, 0.0, 0.0, 0.5])
    terms = dense(replace(output, boxes=moved), assignment, TARGETS, progress=0.0)
    assert terms.parts["box"].item() == pytest.approx(((3 - 0.5) + 0.5**2 / 2) / 4)
