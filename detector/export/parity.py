"""Whether an exported file says what the network says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from detector.data.loading.padding import pad_to, pad_to_multiple
from detector.export.onnx_file import Deployed
from detector.structures import Detections

SCORES = 1e-4
BOXES = 0.05
"""By how much a file in the network's own precision may differ: scores, and edges in pixels."""


@dataclass(frozen=True)
class Difference:
    """The largest between a file and PyTorch over some frames.

    scores: of any point and class. boxes: in pixels, of the points that score at least `least` for any class.
    frames: how many were compared.
    """

    scores: float
    boxes: float
    frames: int

    @property
    def fine(self) -> bool:
        return self.scores <= SCORES and self.boxes <= BOXES


class File(Protocol):
    """An exported network, as OnnxFile is one: size and batch that it takes, None for any."""

    @property
    def about(self) -> Mapping[str, Any]: ...
    @property
    def batch(self) -> int | None: ...
    @property
    def size(self) -> Sequence[int | None]: ...
    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


@torch.no_grad()
def difference(model: nn.Module, file: File, images: Iterable[np.ndarray], *, least: float) -> Difference:
    """Over images [H, W] float32 in [0, 1], padded as the pipeline does.

    model: in eval mode on the CPU. least: score from which a point's box counts: of one that nobody takes for
    an object the box says nothing.
    """
    deployed = Deployed(model).eval()
    stride = int(file.about["stride"])
    scores = boxes = 0.0
    count = 0
    for image in images:
        height, width = file.size
        padded = pad_to(image, height, width) if height and width else pad_to_multiple(image, stride)
        batch = np.repeat(padded[None, None], file.batch or 1, axis=0)
        found_scores, found_boxes = file.run(batch)
        wanted_scores, wanted_boxes = (part.numpy() for part in deployed(torch.from_numpy(batch)))
        spoken = wanted_scores.max(2) >= least
        scores = max(scores, float(np.abs(found_scores - wanted_scores).max()))
        boxes = max(boxes, float(np.abs(found_boxes - wanted_boxes)[spoken].max(initial=0.0)))
        count += 1
    return Difference(scores=scores, boxes=boxes, frames=count)


def objects_apart(
    mine: Sequence[Detections], others: Sequence[Detections], *, least: np.ndarray
) -> tuple[float, float, int]:
    """Of what two ways found in the same frames: the largest difference of scores, that of edges in pixels,
    and how many objects one has that the other lacks or has otherwise.

    least: [C] the score from which an object of each class counts; one that is hardly above may be missing.
    """
    scores = boxes = 0.0
    missing = 0
    for one, other in zip(mine, others, strict=True):
        for these, those in ((one, other), (other, one)):
            for number in np.flatnonzero(these.scores >= least[these.labels] + SCORES):
                edges = np.abs(these.boxes[number] - those.boxes).max(1, initial=0.0)
                by_score = np.abs(these.scores[number] - those.scores)
                same = (those.labels == these.labels[number]) & (edges <= BOXES) & (by_score <= SCORES)
                if not same.any():
                    missing += 1
                    continue
                nearest = np.flatnonzero(same)[np.argmin(edges[same])]
                scores, boxes = max(scores, float(by_score[nearest])), max(boxes, float(edges[nearest]))
    return scores, boxes, missing
