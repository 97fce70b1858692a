"""What every configured criterion promises: finite numbers, the right signs, static shapes, no waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from detector.engine.graphs import CudaGraphs
from detector.geometry.points import grid_of
from detector.tensors import Assignment, GridLevel, HeadOutput, LossTerms, Targets, to_device
from tests.built import built
from tests.heads import (
    CRITERIA,
    assignment_of,
    criterion,
    head_of,
    random_head,
    random_targets,
    targets_of,
)

MINED = 1.0  # The end of the run, after every warm-up.
TASK_ALIGNED = built("assigner/task_aligned")
every_criterion = pytest.mark.parametrize("name", CRITERIA)
every_phase = pytest.mark.parametrize("progress", [0.0, MINED], ids=["warm-up", "mined"])


def scene(*, counts: Sequence[int] = (6, 3)) -> tuple[HeadOutput, Assignment, Targets]:
    targets = random_targets(counts=counts)
    output = random_head(batch=len(counts))
    return output, TASK_ALIGNED(output, targets), targets


def gradients(terms: LossTerms, output: HeadOutput) -> tuple[Tensor, Tensor]:
    """Of the total, with respect to logits and boxes; raises where one has no path."""
    logits, boxes = torch.autograd.grad(terms.total, (output.logits, output.boxes), retain_graph=True)
    return logits, boxes


def leaf(output: HeadOutput) -> HeadOutput:
    return replace(
        output,
        logits=output.logits.detach().clone().requires_grad_(),
        boxes=output.boxes.detach().clone().requires_grad_(),
    )


def assert_finite(terms: LossTerms, output: HeadOutput) -> None:
    for name, value in terms.parts.items():
        assert torch.isfinite(value), name
    for gradient in gradients(terms, output):
        assert torch.isfinite(gradient).all()


def test_the_criteria_are_those_that_are_documented():
    assert {"composite", "composite_paper", "composite_compact", "quality", "varifocal"} <= set(CRITERIA)
    assert {"focal", "bce_focal", "balanced_ce", "dice"} <= set(CRITERIA)


@every_criterion
@every_phase
def test_every_point_is_pushed_to_where_it_belongs(name: str, progress: float):
    # Five points with logit 0, one class: two positives, two negatives, one ignored; boxes half a stride off.
    output = leaf(head_of(torch.zeros(1, 5, 1), levels=(GridLevel(1, 5, 4),)))
    positive = torch.tensor([[True, True, False, False, False]])
    ignored = torch.tensor([[False, False, False, False, True]])
    boxes = torch.cat((output.grid.points - 4, output.grid.points + 4), dim=1) + 2
    assignment = assignment_of(positive, boxes=boxes, ignored=ignored)
    terms = criterion(name)(output, assignment, targets_of([]), progress=progress)
    by_logit, by_box = (gradient[0] for gradient in gradients(terms, output))
    assert (by_logit[:2] < 0).all()
    assert (by_logit[2:4] > 0).all()
    assert (by_logit[4] == 0).all()
    assert (by_box[:2] < 0).all(), "the box lies further right and down"
    assert (by_box[2:] == 0).all()


@every_criterion
@every_phase
def test_ignored_points_have_no_part_in_it(name: str, progress: float):
    output, assignment, targets = scene()
    ignored = ~assignment.positive & (torch.arange(84) % 3 == 0)
    assignment = replace(assignment, ignored=ignored)
    terms = criterion(name)(output, assignment, targets, progress=progress)
    for gradient in gradients(terms, output):
        assert (gradient[ignored] == 0).all()
    other = replace(output, logits=torch.where(ignored[..., None], 9.0, output.logits))
    assert criterion(name)(other, assignment, targets, progress=progress).total == terms.total


@every_criterion
@every_phase
def test_a_batch_without_objects_teaches_the_background_only(name: str, progress: float):
    output, assignment, targets = scene(counts=(0, 0))
    terms = criterion(name)(output, assignment, targets, progress=progress)
    assert_finite(terms, output)
    assert terms.parts["box"] == 0
    by_logit, by_box = gradients(terms, output)
    if name != "composite_paper":  # Its clamped products of factors that are 0 pass nothing.
        assert by_logit.sum() > 0
    assert (by_logit >= 0).all()
    assert not by_box.any()


@every_criterion
@pytest.mark.parametrize("positive", [True, False])
def test_a_single_point(name: str, positive: bool):
    output = leaf(head_of(torch.zeros(1, 1, 2), levels=(GridLevel(1, 1, 4),)))
    assignment = assignment_of(torch.tensor([[positive]]), boxes=torch.tensor([0.0, 0, 4, 3]))
    assert_finite(criterion(name)(output, assignment, targets_of([]), progress=MINED), output)


@every_criterion
@every_phase
def test_no_negatives_at_all(name: str, progress: float):
    output = leaf(head_of(torch.zeros(2, 3, 2), levels=(GridLevel(1, 3, 4),)))
    boxes = torch.cat((output.grid.points - 3, output.grid.points + 4), dim=1)
    assignment = assignment_of(torch.ones(2, 3, dtype=torch.bool), boxes=boxes)
    terms = criterion(name)(output, assignment, targets_of([], []), progress=progress)
    assert_finite(terms, output)
    assert terms.parts["positives"] == 6


@every_criterion
@every_phase
@pytest.mark.parametrize("counts", [(6, 3), (0, 0)], ids=["objects", "no objects"])
def test_extreme_logits_are_finite(name: str, progress: float, counts: tuple[int, int]):
    output, assignment, targets = scene(counts=counts)
    signs = torch.randn(output.logits.shape, generator=torch.Generator().manual_seed(0)).sign()
    for logits in (100 * signs, torch.full_like(signs, 100.0), torch.full_like(signs, -100.0)):
        extreme = leaf(replace(output, logits=logits))
        assert_finite(criterion(name)(extreme, assignment, targets, progress=progress), extreme)


@every_criterion
def test_a_perfect_answer_costs_next_to_nothing(name: str):
    output, assignment, targets = scene()
    one_hot = torch.nn.functional.one_hot(assignment.labels, 3).bool() & assignment.positive[..., None]
    boxes = torch.where(assignment.positive[..., None], assignment.boxes, torch.tensor([0.0, 0, 9, 9]))
    perfect = replace(
        output,
        logits=torch.where(one_hot, 14.0, -14.0),
        boxes=boxes,
    )
    hard = replace(assignment, quality=assignment.positive.float())
    before, after = (
        criterion(name)(o, hard, targets, progress=MINED).total.item() for o in (output, perfect)
    )
    assert after < 0.05 < 0.2 < before


@every_criterion
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_input_is_judged_in_float32(name: str, dtype: torch.dtype):
    output, assignment, targets = scene()
    half = replace(output, logits=output.logits.to(dtype), boxes=output.boxes.to(dtype))
    raised = replace(half, logits=half.logits.float(), boxes=half.boxes.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = criterion(name)(half, assignment, targets, progress=MINED)
    assert found.total.dtype == torch.float32
    assert found.total == criterion(name)(raised, assignment, targets, progress=MINED).total


@every_criterion
def test_gradients_are_right(name: str):
    levels = (GridLevel(2, 3, 4),)
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 6, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    distances = torch.rand(2, 6, 4, generator=generator, dtype=torch.float64) * 4 + 1
    distances.requires_grad_()
    positive = torch.tensor([[True, False, False, True, False, False], [False, True] + 4 * [False]])
    points = grid_of(levels, device="cpu").points
    assignment = assignment_of(
        positive,
        boxes=torch.cat((points - 3.3, points + 2.1), dim=1),
        quality=torch.rand(2, 6, generator=generator),
    )
    mined = (
        ("criterion.mining.min_kept=0", "criterion.mining.ratio=2") if name.startswith("composite") else ()
    )

    def total(logits: Tensor, distances: Tensor) -> Tensor:
        output = head_of(logits, distances, levels=levels)
        return criterion(name, *mined)(output, assignment, targets_of([], []), progress=MINED).total

    assert torch.autograd.gradcheck(total, (logits, distances))


@every_criterion
@every_phase
def test_shapes_do_not_depend_on_values(name: str, progress: float):
    output, _, targets = scene()
    abstract = leaf(head_of(output.logits.to("meta")))
    targets = to_device(targets, "meta")
    terms = criterion(name)(abstract, TASK_ALIGNED(abstract, targets), targets, progress=progress)
    for gradient, value in zip(gradients(terms, abstract), (output.logits, output.boxes), strict=True):
        assert gradient.shape == value.shape


@every_criterion
@every_phase
def test_nothing_asks_the_device_for_a_number(name: str, progress: float):
    output, _, targets = scene()
    loss, assigner = criterion(name), TASK_ALIGNED
    with profile(activities=[ProfilerActivity.CPU]) as record:
        gradients(loss(output, assigner(output, targets), targets, progress=progress), output)
    calls = {event.key for event in record.key_averages()}
    assert "aten::sigmoid" in calls
    assert not calls & {"aten::item", "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select"}


@every_criterion
@every_phase
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nothing_waits_for_a_cuda_device(name: str, progress: float):
    targets = to_device(random_targets(counts=(6, 3)), "cuda")
    on_cpu = random_head()
    output = leaf(replace(head_of(on_cpu.logits.cuda()), boxes=on_cpu.boxes.cuda()))
    loss, assigner = criterion(name), TASK_ALIGNED
    loss(output, assigner(output, targets), targets, progress=progress)  # First use loads libraries.
    torch.cuda.set_sync_debug_mode("error")
    try:
        gradients(loss(output, assigner(output, targets), targets, progress=progress), output)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@every_criterion
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_replays_it_from_the_warm_up_to_mining(name: str):
    loss, assigner = criterion(name), TASK_ALIGNED

    def parts(logits: Tensor, boxes: Tensor, progress: Tensor, *truth: Tensor) -> dict[str, Tensor]:
        output, targets = replace(head_of(logits), boxes=boxes), Targets(*truth)
        return loss(output, assigner(output, targets), targets, progress=progress).parts

    replayed = CudaGraphs(parts, say=pytest.fail)
    for seed, progress in enumerate([0.0, 0.0, 0.0, MINED, MINED]):
        head, targets = random_head(seed=seed), to_device(random_targets(counts=(6, 3), seed=seed), "cuda")
        behind = torch.tensor(progress, dtype=torch.float64, device="cuda")
        inputs = (head.logits.cuda(), head.boxes.cuda(), behind, *vars(targets).values())
        expected = parts(*inputs)
        for key, value in replayed(*inputs).items():
            torch.testing.assert_close(value, expected[key], msg=f"{key}, call {seed}")
