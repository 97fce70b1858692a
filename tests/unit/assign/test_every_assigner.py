"""What all assigners promise alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from detector.assign.protocol import Assigner
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from detector.tensors import Assignment, HeadOutput, Targets, to_device
from tests.built import built
from tests.heads import head_of, random_head, random_targets, targets_of

ASSIGNERS = ("task_aligned", "centre_sampling")
every_assigner = pytest.mark.parametrize(
    "assigner", [built(f"assigner/{name}") for name in ASSIGNERS], ids=ASSIGNERS
)


def head_for(targets: Targets, *, classes: int = 3) -> HeadOutput:
    return random_head(batch=len(targets.boxes), classes=classes, seed=7)


def assert_agree(a: Assignment, b: Assignment) -> None:
    """Equal but for the rows that truths stand in."""
    for name in ("positive", "ignored", "labels", "boxes", "quality"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name


@every_assigner
def test_positives_carry_their_truth_and_nothing_else_carries_any(assigner: Assigner):
    targets = random_targets(counts=[9, 0, 4])
    found = assigner(head_for(targets), targets)
    assert found.positive[0].any()
    assert not found.positive[1].any()
    for b, p in found.positive.nonzero().tolist():
        g = found.matched[b, p]
        assert targets.valid[b, g]
        assert torch.equal(found.boxes[b, p], targets.boxes[b, g])
        assert found.labels[b, p] == targets.labels[b, g]
    assert ((found.quality >= 0) & (found.quality <= 1)).all()
    assert (found.quality[[0, 2]].amax(dim=1) > 0.1).all()
    for value in (found.labels, found.boxes, found.quality):
        assert not value[~found.positive].any()


@every_assigner
def test_a_truth_smaller_than_a_stride_gets_a_point_wherever_it_is(assigner: Assigner):
    # Centres on a lattice of 1 pixel meet points, edges of cells, the frame's borders and corners.
    centres = [(float(x), float(y)) for x in range(0, 33, 2) for y in (0, 1, 2, 13, 16, 31, 32)]
    targets = targets_of(*([((x - 0.5, y - 0.5, x + 0.5, y + 0.5), 0)] for x, y in centres))
    found = assigner(head_of(torch.zeros(len(centres), 84, 1)), targets)
    assert found.positive.any(dim=1).all()


@every_assigner
def test_no_truth_at_all(assigner: Assigner):
    targets = targets_of([], [], rows=4)
    found = assigner(head_for(targets), targets)
    assert not found.positive.any()
    assert not found.ignored.any()
    assert not found.boxes.any()


@every_assigner
@pytest.mark.parametrize(
    ("region", "points"),
    [
        ((0.0, 20.0, 1.9, 27.0), {(2, 22), (2, 26)}),  # what the frame's edge left of an object
        ((23.0, 23.0, 25.0, 25.0), {(22, 22), (22, 26), (26, 22), (26, 26)}),
    ],
)
def test_a_region_between_the_points_hides_the_nearest(
    assigner: Assigner, region: tuple[float, float, float, float], points: set[tuple[int, int]]
):
    targets = targets_of([(region, IGNORE_LABEL)])
    output = head_for(targets)
    fine = output.grid.points[output.grid.strides == 4]
    hidden = assigner(output, targets).ignored[0][output.grid.strides == 4]
    assert {tuple(point) for point in fine[hidden].tolist()} == points


@every_assigner
def test_a_region_to_ignore_is_ignored_and_never_positive(assigner: Assigner):
    region, truth = (0.0, 0.0, 20.0, 20.0), (13.0, 13.0, 31.0, 31.0)
    targets = targets_of([(region, IGNORE_LABEL)], [(region, IGNORE_LABEL), (truth, 1)])
    output = head_for(targets)
    found = assigner(output, targets)
    in_region = (output.grid.points <= 20).all(dim=1)
    assert torch.equal(found.ignored[0], in_region)
    assert not found.positive[0].any()
    # A point of the region that answers for a real truth teaches.
    assert (found.positive[1] & in_region).any()
    assert torch.equal(found.ignored[1], in_region & ~found.positive[1])
    assert (found.matched[1][found.positive[1]] == 1).all()


@every_assigner
def test_only_points_in_the_frame_answer_for_a_truth_at_the_border(assigner: Assigner):
    targets = targets_of([((-6.0, 8.0, 10.0, 16.0), 0)], [((40.0, 40.0, 50.0, 50.0), 0)])
    output = head_of(torch.zeros(2, 84, 1))
    found = assigner(output, targets)
    chosen = output.grid.points[found.positive[0]]
    assert len(chosen) > 0
    assert (chosen[:, 0] < 10).all()
    assert not found.positive[1].any()


@every_assigner
def test_the_order_of_rows_and_padding_change_nothing(assigner: Assigner):
    targets = random_targets(counts=[7, 7])
    output = head_for(targets)
    expected = assigner(output, targets)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    padding = targets_of([], [], rows=5)
    moved = Targets(
        *(
            torch.cat((getattr(padding, name), getattr(targets, name)[:, order]), dim=1)
            for name in ("boxes", "labels", "valid", "ignored")
        )
    )
    found = assigner(output, moved)
    assert_agree(found, expected)
    row = torch.cat((torch.zeros(5, dtype=torch.long), order))[found.matched]
    assert torch.equal(row[found.positive], expected.matched[expected.positive])


@every_assigner
def test_images_are_assigned_apart(assigner: Assigner):
    targets = random_targets(counts=[6, 2])
    output = head_for(targets)
    both = assigner(output, targets)
    one = replace(output, logits=output.logits[1:], boxes=output.boxes[1:])
    alone = assigner(
        one, Targets(targets.boxes[1:], targets.labels[1:], targets.valid[1:], targets.ignored[1:])
    )
    for name in ("positive", "ignored", "labels", "boxes", "quality"):
        assert torch.equal(getattr(both, name)[1:], getattr(alone, name)), name


@every_assigner
def test_two_truths_in_one_place_leave_each_point_one_owner(assigner: Assigner):
    box = (6.0, 6.0, 20.0, 20.0)
    targets = targets_of([(box, 1), (box, 2)])
    found = assigner(head_for(targets), targets)
    assert found.positive.any()
    assert (found.labels[found.positive] == 1).all(), "equal claims go to the first row"


@every_assigner
def test_no_gradient_comes_out(assigner: Assigner):
    targets = random_targets(counts=[3])
    found = assigner(head_for(targets), targets)
    assert not found.quality.requires_grad
    assert not found.boxes.requires_grad


@every_assigner
def test_shapes_do_not_depend_on_values(assigner: Assigner):
    targets = random_targets(counts=[6, 2])
    output = head_for(targets)
    on_meta = head_of(output.logits.to("meta"))
    found, expected = assigner(on_meta, to_device(targets, "meta")), assigner(output, targets)
    assert found.most == expected.most
    for name, value in vars(expected).items():
        if isinstance(value, Tensor):
            abstract = getattr(found, name)
            assert (abstract.shape, abstract.dtype) == (value.shape, value.dtype), name


@every_assigner
def test_no_more_points_are_positive_than_it_says(assigner: Assigner):
    crowded = random_targets(counts=[40, 1])
    found = assigner(head_for(crowded), crowded)
    assert 0 < found.positive.sum() <= found.most
    alone = random_targets(counts=[1])
    found = assigner(head_for(alone), alone)
    assert found.most < found.positive.numel(), "most would say nothing"


def test_settings_that_may_leave_a_truth_without_points_are_refused():
    with pytest.raises(UserError, match=r"radius=0.5: must be > 0.5"):
        built("assigner/centre_sampling", radius=0.5)
    with pytest.raises(UserError, match=r"reach=0: must be > 0.5"):
        built("assigner/task_aligned", reach=0)
    with pytest.raises(UserError, match=r"found 0 and 5"):
        built("assigner/task_aligned", top_k=0)
