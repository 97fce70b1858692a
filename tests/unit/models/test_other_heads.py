"""A head without a grid, a set of queries, trains and predicts with the same criteria and post-processing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detector.errors import UserError
from detector.geometry.boxes import iou
from detector.inference.network import candidates_of
from detector.inference.postprocess import Postprocess
from detector.tensors import Assignment, HeadOutput, Targets
from tests.built import built
from tests.heads import CRITERIA, criterion, targets_of

SIZE = 32
TRUTHS = [((2.0, 3.0, 12.0, 15.0), 1), ((18.0, 16.0, 30.0, 28.0), 0)]
TARGETS = targets_of(TRUTHS, TRUTHS[:1])  # The second picture's second row is padding.


class Queries(nn.Module):
    """Four boxes, one in each quarter of the picture, moved by what a linear layer sees in it."""

    quarters: Tensor

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.see = nn.Linear(SIZE * SIZE, 4 * (classes + 4))
        corner = torch.tensor([[0.0, 0], [16, 0], [0, 16], [16, 16]])
        self.register_buffer("quarters", torch.cat((corner + 3, corner + 13), dim=1))

    def forward(self, images: Tensor) -> HeadOutput:
        said = self.see(images.flatten(1)).reshape(len(images), 4, -1)
        logits, steps = said.split((self.classes, 4), dim=-1)
        return HeadOutput(logits, self.quarters + steps, grid=None)


@dataclass(frozen=True)
class HighestOverlap:
    """Every ground truth gets the query whose box overlaps it most; of two that want one the first."""

    @torch.no_grad()
    def __call__(self, head_output: HeadOutput, targets: Targets) -> Assignment:
        queries = head_output.logits.shape[1]
        best = iou(head_output.boxes[:, None], targets.boxes[:, :, None]).argmax(dim=-1)
        wanted = F.one_hot(best, queries).bool() & targets.valid[..., None]  # [B, G, Q]
        positive, matched = wanted.any(dim=1), wanted.int().argmax(dim=1)
        boxes = targets.boxes.gather(1, matched[..., None].expand(-1, -1, 4))
        return Assignment(
            positive=positive,
            ignored=torch.zeros_like(positive),
            matched=matched,
            labels=torch.where(positive, targets.labels.gather(1, matched), 0),
            boxes=torch.where(positive[..., None], boxes, 0),
            quality=positive.float(),
            most=positive.numel(),
        )


def pictures() -> Tensor:
    """Two frames [2, 1, 32, 32] with an object of brightness 1 where the targets have one."""
    images = torch.zeros(2, 1, SIZE, SIZE)
    images[:, :, 3:15, 2:12] = 1
    images[0, :, 16:28, 18:30] = 1
    return images


def head_of_queries() -> Queries:
    torch.manual_seed(0)
    return Queries(classes=2)


@pytest.mark.parametrize("name", CRITERIA)
@pytest.mark.parametrize("progress", [0.0, 1.0], ids=["warm-up", "mined"])
def test_every_criterion_teaches_it(name: str, progress: float):
    output = head_of_queries()(pictures())
    output.logits.retain_grad()
    output.boxes.retain_grad()
    assignment = HighestOverlap()(output, TARGETS)
    assert assignment.positive.tolist() == [[True, False, False, True], [True, False, False, False]]
    terms = criterion(name)(output, assignment, TARGETS, progress=progress)
    assert torch.isfinite(terms.total)
    terms.total.backward()
    for gradient in (output.logits.grad, output.boxes.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()
        assert gradient[assignment.positive].any(dim=-1).all(), "a positive that learns nothing"
    assert not output.boxes.grad[~assignment.positive].any()


def test_trained_it_finds_its_objects():
    model, loss, assigner = head_of_queries(), criterion("quality"), HighestOverlap()
    for _ in range(50):
        output = model(pictures())
        total = loss(output, assigner(output, TARGETS), TARGETS, progress=1.0).total
        with torch.no_grad():
            for weights, gradient in zip(
                model.parameters(), torch.autograd.grad(total, [*model.parameters()]), strict=True
            ):
                weights -= 0.003 * gradient
    postprocess: Postprocess = built("postprocess/greedy", score_threshold=0.5)
    both, one = postprocess(candidates_of(model(pictures()), postprocess.candidates), [(SIZE, SIZE)] * 2)
    for found, truths in ((both, TRUTHS), (one, TRUTHS[:1])):
        order = np.argsort(-found.labels)
        assert found.labels[order].tolist() == [label for _, label in truths]
        np.testing.assert_allclose(found.boxes[order], [box for box, _ in truths], atol=1.0)


@pytest.mark.parametrize("name", ["task_aligned", "centre_sampling"])
def test_an_assigner_that_goes_by_place_says_that_it_cannot(name: str):
    with pytest.raises(UserError, match="needs a head with a grid of points, and the model's has none"):
        built(f"assigner/{name}")(head_of_queries()(pictures()), TARGETS)
