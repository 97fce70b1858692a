"""The composite loss by hand, and its trivial optimum."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from detector.criterion.combine import Arithmetic, PaperProduct, ShiftedGeometric
from detector.criterion.composite import Composite
from detector.criterion.factors import joint, per_sample, split
from detector.losses.box import giou_loss
from detector.losses.classification import cross_entropy
from detector.tensors import GridLevel, LossTerms
from tests.built import built
from tests.heads import assignment_of, criterion, head_of, targets_of

TARGETS = targets_of([])
ROW = (GridLevel(1, 2, 4),)  # Points (2, 2) and (6, 2).
BOX = torch.tensor([0.0, 0.0, 4.0, 4.0])
# Half of BOX: IoU and GIoU are 1/2.
HALF = torch.tensor([2.0, 2.0, 0.0, 2.0])


def composite(**changes) -> Composite:
    parts = {
        "classification": cross_entropy,
        "box": giou_loss,
        "mining": built("criterion/composite:mining", ratio=1, min_kept=0),
        "factors": joint,
        "combine": ShiftedGeometric(shift=0.1),
        "cls_weight": 1.0,
        "box_weight": 1.0,
        "quality_targets": False,
    }
    return Composite(**(parts | changes))


def two_points(loss: Composite, *, quality: float = 1.0, progress: float = 1.0) -> LossTerms:
    """The first point is positive with p = 0.8 and half the box, the second negative with p = 0.3."""
    output = head_of(torch.tensor([0.8, 0.3]).logit().reshape(1, 2, 1), HALF.expand(1, 2, 4), levels=ROW)
    assignment = assignment_of(torch.tensor([[True, False]]), boxes=BOX, quality=quality)
    return loss(output, assignment, TARGETS, progress=progress)


def test_the_default_form_by_hand():
    terms = two_points(composite())
    # -ln 0.8 = 0.22314, -ln 0.7 = 0.35667; tp 0.8, fp 0.3, fn 0.2.
    cls, f1 = 0.22314 + 0.35667, 1 - 1.6 / 2.1
    assert terms.parts["cls"].item() == pytest.approx(cls, abs=1e-5)
    assert terms.parts["f1"].item() == pytest.approx(f1, abs=1e-5)
    combined = ((cls + 0.1) * (f1 + 0.1)) ** 0.5 - 0.1
    assert terms.parts["combined"].item() == pytest.approx(combined, abs=1e-5)
    assert terms.parts["box"].item() == pytest.approx(0.5)
    assert terms.total.item() == pytest.approx(combined + 0.5, abs=1e-5)
    assert terms.parts["positives"].item() == 1
    assert terms.parts["hard_negatives"].item() == 1
    assert terms.parts["hard_negative_score"].item() == pytest.approx(0.3)
    assert not any(value.requires_grad for value in terms.parts.values())


def test_the_literal_form_by_hand():
    terms = two_points(composite(factors=split, combine=PaperProduct(eps=1e-6)))
    expected = (0.223144 * 0.356675 * (1 - 1.6 / 1.8) * 1) ** 0.25
    assert terms.total.item() == pytest.approx(expected + 0.5, abs=1e-5)


def test_quality_targets_by_hand():
    terms = two_points(composite(quality_targets=True, combine=Arithmetic()), quality=0.5)
    # Towards 0.5: -(ln 0.8 + ln 0.2) / 2 = 0.91629; tp = min(0.8, 0.5), fp = 0.3 + 0.3, fn = 0.
    # Truth of 0.5 counts as 1.
    assert terms.parts["cls"].item() == pytest.approx(0.916291 + 0.356675, abs=1e-5)
    assert terms.parts["f1"].item() == pytest.approx(1 - 1 / (1 + 0.6), abs=1e-5)
    assert terms.parts["box"].item() == pytest.approx(0.5), "a mean: one point's weight cancels"


@pytest.mark.parametrize("classification", [cross_entropy, None], ids=["cross-entropy", "F1 alone"])
def test_quality_targets_are_best_met_by_saying_the_quality(classification):
    """Of one positive of quality 0.6 beside a negative of p = 0.1."""
    loss = composite(
        quality_targets=True,
        combine=Arithmetic(),
        classification=classification or (lambda logits, _: 0 * logits),
    )
    said = torch.linspace(0.05, 0.95, 19)
    output = [
        head_of(torch.tensor([p, 0.1]).logit().reshape(1, 2, 1), HALF.expand(1, 2, 4), levels=ROW)
        for p in said
    ]
    assignment = assignment_of(torch.tensor([[True, False]]), boxes=BOX, quality=0.6)
    combined = [loss(item, assignment, TARGETS, progress=1.0).parts["combined"].item() for item in output]
    assert said[combined.index(min(combined))].item() == pytest.approx(0.6)


def test_the_background_s_f1_of_a_negative_is_over_all_classes():
    # Of two classes: p = 0.9 and 0.1 at the positive, 0.3 and 0.2 at the negative.
    scores = torch.tensor([[0.9, 0.1], [0.3, 0.2]])
    output = head_of(scores.logit()[None], HALF.expand(1, 2, 4), levels=ROW)
    assignment = assignment_of(torch.tensor([[True, False]]), boxes=BOX)
    terms = composite(factors=per_sample)(output, assignment, TARGETS, progress=1.0)
    positive = 1 - 2 * 0.9 / (2 * 0.9 + 0.1 + 0.1)
    negative = 1 - 2 * 1.5 / (2 * 1.5 + 0.5)  # (1 - 0.3) + (1 - 0.2) of background are there, 0.5 are missed
    assert terms.parts["f1"].item() == pytest.approx((positive + negative) / 2, abs=1e-6)


def test_weights():
    plain = two_points(composite())
    weighted = two_points(composite(cls_weight=3.0, box_weight=0.2))
    assert weighted.total.item() == pytest.approx(3 * plain.parts["combined"].item() + 0.2 * 0.5)


@pytest.mark.parametrize(("quality_targets", "expected"), [(True, 0.125), (False, 0.25)])
def test_boxes_count_by_their_quality_where_targets_are_qualities(quality_targets: bool, expected: float):
    # Losses of 1/2 (quality 0.25) and 0 (quality 0.75).
    distances = torch.stack((HALF, torch.tensor([2.0, 2, 2, 2])))[None]
    boxes = torch.stack((BOX, BOX + torch.tensor([4.0, 0, 4, 0])))
    assignment = assignment_of(torch.tensor([[True, True]]), boxes=boxes, quality=torch.tensor([0.25, 0.75]))
    output = head_of(torch.zeros(1, 2, 1), distances, levels=ROW)
    terms = composite(quality_targets=quality_targets)(output, assignment, TARGETS, progress=1.0)
    assert terms.parts["box"].item() == pytest.approx(expected)


def row_of_points(logits: Tensor, *, positives: int) -> tuple:
    """One class; the first points are positive, with perfect boxes of 4 pixels."""
    output = head_of(logits[None, :, None], levels=(GridLevel(1, len(logits), 4),))
    boxes = torch.cat((output.grid.points - 4, output.grid.points + 4), dim=1)
    return output, assignment_of((torch.arange(len(logits)) < positives)[None], boxes=boxes), TARGETS


def test_only_the_hardest_negatives_count_after_the_warm_up():
    mining = built("criterion/composite:mining", ratio=1, min_kept=0, warmup_fraction=0.5)
    scores = torch.tensor([0.9, 0.6, 0.2, 0.1])
    cold, mined = (
        composite(mining=mining, combine=Arithmetic())(
            *row_of_points(scores.logit(), positives=1), progress=progress
        ).parts
        for progress in (0.49, 0.5)
    )
    ce = -(1 - scores).log()
    ce[0] = -scores[0].log()
    assert mined["cls"].item() == pytest.approx(ce[:2].sum().item(), abs=1e-5)
    assert cold["cls"].item() == pytest.approx(ce.sum().item(), abs=1e-5), "every negative"
    assert cold["hard_negatives"].item() == mined["hard_negatives"].item() == 1
    assert mined["hard_negative_score"].item() == pytest.approx(0.6, abs=1e-6)
    assert cold["hard_negative_score"].item() == pytest.approx(0.3, abs=1e-6), "still a mean"


def combined_where_all_say(name: str, logit: float) -> float:
    """Classification part where 4 positives and 12 negatives have one logit."""
    loss = criterion(name, "criterion.mining.min_kept=0")
    terms = loss(*row_of_points(torch.full((16,), logit), positives=4), progress=1.0)
    assert terms.parts["hard_negatives"].item() == 12
    return terms.parts["combined"].item()


def test_saying_no_to_everything_satisfies_the_literal_form_only():
    levels = (0.0, -2.0, -4.0)
    literal = [combined_where_all_say("composite_paper", z) for z in levels]
    assert literal == sorted(literal, reverse=True)
    assert literal[-1] < literal[0] / 4
    assert combined_where_all_say("composite_paper", -9.0) < literal[-1], "down to the clamp"
    for name in ("composite", "composite_compact"):
        guarded = [combined_where_all_say(name, z) for z in levels]
        assert guarded == sorted(guarded), name
        assert guarded[-1] > 1.3 * guarded[0], name


def test_saying_yes_to_everything_satisfies_the_literal_form_only():
    assert combined_where_all_say("composite_paper", 9.0) < combined_where_all_say("composite_paper", 0.0) / 3
    for name in ("composite", "composite_compact"):
        assert combined_where_all_say(name, 9.0) > 2 * combined_where_all_say(name, 0.0), name


def test_the_compact_form_is_the_later_notes_formula():
    output, assignment, targets = row_of_points(torch.tensor([0.8, 0.3]).logit(), positives=1)
    terms = criterion("composite_compact", "criterion.mining.min_kept=1")(
        output, assignment, targets, progress=1.0
    )
    focal = 0.25 * 0.2**2 * 0.223144 + 0.75 * 0.3**2 * 0.356675
    assert terms.total.item() == pytest.approx((focal * (1 - 1.6 / 2.1)) ** 0.5, abs=1e-5)


def test_the_f_term_of_the_configuration_is_used():
    output, assignment, targets = row_of_points(torch.tensor([0.8, 0.3]).logit(), positives=1)
    loss = criterion("composite_compact", "criterion.factors.set_loss.beta=2")
    terms = loss(output, assignment, targets, progress=1.0)
    assert terms.parts["f1"].item() == pytest.approx(1 - 4 / (4 + 4 * 0.2 + 0.3), abs=1e-5)
