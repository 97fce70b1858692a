"""Assignment and loss as one compiled graph."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from detector.tensors import Assignment, HeadOutput, Targets
from tests.built import built
from tests.heads import CRITERIA, criterion, random_head, random_targets

# Traces forward and backward and runs the graphs without generating code, which is what takes the time.
TRACED = "aot_eager"
POINTS = random_head()
Total = Callable[[Tensor, Tensor, Targets], Tensor]


def answers(logits: Tensor, boxes: Tensor) -> HeadOutput:
    return replace(POINTS, logits=logits, boxes=boxes)


def assert_compiled_equals_eager(total: Total, *, backend: str) -> None:
    torch.compiler.reset()
    compiled = torch.compile(total, fullgraph=True, backend=backend)
    for seed, stance in ((0, "default"), (1, "fail_on_recompile")):  # Other values, the same graph.
        output, targets = random_head(seed=seed), random_targets(counts=(6, 3 - 3 * seed), seed=seed)
        leaves = output.logits, output.boxes
        with torch.compiler.set_stance(stance):
            expected, found = (call(*leaves, targets) for call in (total, compiled))
            by_eager, by_compiled = (torch.autograd.grad(value, leaves) for value in (expected, found))
        torch.testing.assert_close(found, expected)
        for a, b in zip(by_compiled, by_eager, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def with_default_criterion(assigner: str) -> Total:
    assign, loss = built(f"assigner/{assigner}"), criterion("composite")

    def total(logits: Tensor, boxes: Tensor, targets: Targets) -> Tensor:
        output = answers(logits, boxes)
        return loss(output, assign(output, targets), targets, progress=1.0).total

    return total


@pytest.mark.skipif(
    not any(shutil.which(name) for name in ("g++", "c++", "clang++")),
    reason="torch.compile needs a C++ compiler for the CPU",
)
def test_the_default_assigner_and_criterion_compile_to_one_graph():
    assert_compiled_equals_eager(with_default_criterion("task_aligned"), backend="inductor")


def test_centre_sampling_traces_to_one_graph():
    assert_compiled_equals_eager(with_default_criterion("centre_sampling"), backend=TRACED)


@pytest.mark.parametrize("name", [name for name in CRITERIA if name != "composite"])
def test_every_other_criterion_traces_to_one_graph(name: str):
    loss = criterion(name)
    assignment: Assignment = built("assigner/task_aligned")(POINTS, random_targets(counts=(6, 3)))

    def total(logits: Tensor, boxes: Tensor, targets: Targets) -> Tensor:
        return loss(answers(logits, boxes), assignment, targets, progress=1.0).total

    assert_compiled_equals_eager(total, backend=TRACED)
