"""Where the positives stand, told without asking the device how many there are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from detector.criterion.terms import box_term, class_targets, positive_rows
from detector.losses.box import giou_loss, huber
from detector.tensors import Assignment, GridLevel, HeadOutput
from tests.heads import assignment_of, head_of


def assigned(positive: Tensor, *, most: int) -> Assignment:
    return replace(
        assignment_of(positive, boxes=torch.ones(*positive.shape, 4, device=positive.device)), most=most
    )


@pytest.mark.parametrize("most", [5, 12])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_every_positive_has_one_row_and_no_row_is_there_twice(most: int, share: float):
    positive = torch.zeros(12, dtype=torch.bool)
    positive[torch.randperm(12, generator=torch.Generator().manual_seed(0))[: int(share * most)]] = True
    rows, taken = positive_rows(assigned(positive.reshape(3, 4), most=most))
    assert rows.shape == taken.shape == (most,)
    assert rows[taken].tolist() == positive.nonzero().flatten().tolist()
    assert len(rows.unique()) == most


def test_a_batch_without_truths_has_no_row():
    rows, taken = positive_rows(assigned(torch.zeros(2, 3, dtype=torch.bool), most=0))
    assert rows.numel() == taken.numel() == 0


def test_shapes_do_not_depend_on_values():
    on_meta = assigned(torch.zeros(2, 8, dtype=torch.bool, device="meta"), most=6)
    assert [value.shape for value in positive_rows(on_meta)] == [(6,), (6,)]


@pytest.mark.parametrize(("weighted", "expected"), [(False, 1.0), (True, 0.25)])
def test_only_positives_have_a_target_and_only_for_their_own_class(weighted: bool, expected: float):
    positive = torch.tensor([[True, False]])
    # Whatever an assigner says of the quality of a point that is no positive.
    assignment = replace(
        assignment_of(positive, boxes=torch.ones(2, 4)),
        labels=torch.tensor([[1, 0]]),
        quality=torch.tensor([[0.25, 0.75]]),
    )
    found = class_targets(assignment, classes=3, quality=weighted)
    assert found.tolist() == [[[0, expected, 0], [0, 0, 0]]]


def scene(most: int) -> tuple[HeadOutput, Assignment]:
    generator = torch.Generator().manual_seed(1)
    output = head_of(torch.randn(2, 16, 3, generator=generator), levels=(GridLevel(4, 4, 4),))
    positive = torch.rand(2, 16, generator=generator) < 0.3
    boxes = output.grid.points.repeat(1, 2) + torch.tensor([-3.0, -2, 4, 5])
    quality = torch.rand(2, 16, generator=generator)
    return output, replace(assignment_of(positive, boxes=boxes, quality=quality), most=most)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [giou_loss, huber])
def test_the_box_term_is_the_mean_over_positives_and_moves_nothing_else(loss, weighted: bool):
    output, assignment = scene(most=32)
    leaf = replace(output, boxes=output.boxes.clone().requires_grad_())
    found = box_term(leaf, assignment, loss, quality=weighted)
    total = weights = 0.0
    for image, point in assignment.positive.nonzero().tolist():
        weight = assignment.quality[image, point].item() if weighted else 1.0
        value = loss(output.boxes[image, point], assignment.boxes[image, point]).mean().item()
        total, weights = total + weight * value, weights + weight
    assert found.item() == pytest.approx(total / weights, rel=1e-5)
    found.backward()
    moved = (leaf.boxes.grad != 0).any(-1)
    assert torch.equal(moved, assignment.positive)


def test_how_many_rows_there_could_be_changes_nothing():
    tight, loose = scene(most=int(scene(1)[1].positive.sum())), scene(most=32)
    values = [box_term(*one, giou_loss, quality=True) for one in (tight, loose)]
    torch.testing.assert_close(*values, rtol=1e-6, atol=0)


def test_without_a_positive_the_box_term_is_zero_and_has_a_gradient():
    output, assignment = scene(most=32)
    nothing = torch.zeros_like(assignment.positive)
    assignment = replace(assignment, positive=nothing, quality=torch.zeros_like(assignment.quality))
    for most in (32, 0):
        leaf = replace(output, boxes=output.boxes.clone().requires_grad_())
        found = box_term(leaf, replace(assignment, most=most), giou_loss, quality=True)
        assert found.item() == 0
        found.backward()
        assert (leaf.boxes.grad == 0).all()
