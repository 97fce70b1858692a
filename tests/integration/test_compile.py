"""Assignment and loss as one compiled graph."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from detector.assign.centre_sampling import CentreSampling
from detector.assign.protocol import Assigner
from detector.assign.task_aligned import TaskAligned
from detector.criterion.protocol import Criterion
from detector.structures import Targets
from tests.heads import CRITERIA, criterion, random_head, random_targets

compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("g++", "c++", "clang++")),
    reason="torch.compile needs a C++ compiler for the CPU",
)


def loss_of(assigner: Assigner, loss: Criterion) -> Callable[[Tensor, Tensor, Targets], Tensor]:
    def total(logits: Tensor, distances: Tensor, targets: Targets) -> Tensor:
        output = replace(random_points, logits=logits, distances=distances)
        return loss(output, assigner(output, targets), targets, step=10**6).total

    random_points = random_head()
    return total


def assert_compiled_equals_eager(assigner: Assigner, loss: Criterion, *, backend: str) -> None:
    torch.compiler.reset()
    eager = loss_of(assigner, loss)
    compiled = torch.compile(eager, fullgraph=True, backend=backend)
    for seed in (0, 1):  # Other values, the same graph.
        output, targets = random_head(seed=seed), random_targets(counts=(6, 3 - 3 * seed), seed=seed)
        with torch.compiler.set_stance("default" if seed == 0 else "fail_on_recompile"):
            results = [
                (total, *torch.autograd.grad(total, (output.logits, output.distances)))
                for total in (call(output.logits, output.distances, targets) for call in (eager, compiled))
            ]
        for expected, found in zip(*results, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@compiler
@pytest.mark.parametrize(
    "assigner", [TaskAligned(), CentreSampling()], ids=["task_aligned", "centre_sampling"]
)
def test_the_default_criterion_compiles_to_one_graph(assigner: Assigner):
    assert_compiled_equals_eager(assigner, criterion("composite"), backend="inductor")


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_traces_to_one_graph(name: str):
    # Forward and backward traced and run without generating code, which takes the time.
    assert_compiled_equals_eager(TaskAligned(), criterion(name), backend="aot_eager")
