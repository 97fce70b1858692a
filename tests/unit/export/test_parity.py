"""What counts as a difference between a file and the network, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detector.export.parity import BOXES, SCORES, Difference, difference, objects_apart
from detector.structures import Detections
from detector.tensors import HeadOutput

SAID = torch.tensor([[0.5], [0.01]])
"""Of two points, the second of which takes nothing for an object."""


class Network(nn.Module):
    """Answers the same to every image."""

    def forward(self, images: Tensor) -> HeadOutput:
        count = len(images)
        return HeadOutput(SAID.logit().expand(count, 2, 1), torch.zeros(count, 2, 4), None)


@dataclass
class File:
    """Answers as the network, but for the scores and edges of its points."""

    scores: tuple[float, float] = (0.0, 0.0)
    edges: tuple[float, float] = (0.0, 0.0)
    batch: int | None = None
    size: tuple[int | None, int | None] = (None, None)
    seen: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def about(self) -> Mapping[str, Any]:
        return {"stride": 8}

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(images.shape)
        scores = SAID.numpy() + np.array(self.scores, np.float32)[:, None]
        boxes = np.tile(np.array(self.edges, np.float32)[:, None], (1, 4))
        return np.stack([scores] * len(images)), np.stack([boxes] * len(images))


def compared(file: File) -> Difference:
    images = [np.zeros((10, 20), np.float32), np.zeros((8, 8), np.float32)]
    return difference(Network(), file, images, least=0.3)


def test_boxes_count_where_the_network_takes_a_point_for_an_object():
    found = compared(File(scores=(0.001, -0.002), edges=(0.03, 9.0)))
    assert (found.scores, found.boxes) == (pytest.approx(0.002), pytest.approx(0.03))
    assert found.frames == 2


def test_images_are_filled_up_to_what_the_file_takes():
    free, fixed = File(), File(batch=3, size=(16, 24))
    compared(free)
    compared(fixed)
    assert free.seen == [(1, 1, 16, 24), (1, 1, 8, 8)]
    assert fixed.seen == [(3, 1, 16, 24)] * 2


@pytest.mark.parametrize(
    ("scores", "boxes", "fine"),
    [(SCORES, BOXES, True), (2 * SCORES, 0.0, False), (0.0, 2 * BOXES, False)],
)
def test_both_scores_and_boxes_must_be_alike(scores: float, boxes: float, fine: bool):
    assert Difference(scores=scores, boxes=boxes, frames=1).fine is fine


def found(*rows: tuple[float, float, int]) -> Detections:
    """Of (left edge, score, label): boxes of 8 pixels."""
    return Detections(
        boxes=np.array([(left, 0, left + 8, 8) for left, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for _, _, label in rows], np.int64),
    )


ONE = found((10.0, 0.9, 0))


@pytest.mark.parametrize(
    ("other", "missing"),
    [
        (ONE, 0),
        (found(), 1),
        (found((10.0, 0.9, 1)), 2),  # of another class, which lacks it too
        (found((11.0, 0.9, 0)), 2),  # elsewhere
        (found((10.0, 0.8, 0)), 2),  # less sure
        (found((10.0, 0.9, 0), (40.0, 0.6, 0)), 1),
        (found((10.0, 0.9, 0), (40.0, 0.4, 0)), 0),  # no object: its class counts from 0.5
    ],
)
def test_objects_that_only_one_has_are_counted_whichever_it_is(other: Detections, missing: int):
    least = np.array([0.5, 0.5])
    assert objects_apart([ONE], [other], least=least)[2] == missing
    assert objects_apart([other], [ONE], least=least)[2] == missing


def test_how_far_apart_the_same_objects_are():
    other = found((10.03, 0.90005, 0))
    scores, boxes, missing = objects_apart([ONE, ONE], [ONE, other], least=np.array([0.5]))
    assert (scores, boxes, missing) == (pytest.approx(5e-5, rel=0.01), pytest.approx(0.03, rel=0.01), 0)
