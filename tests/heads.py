"""Small head outputs, truths and assignments, and the criteria of the configuration, for tests."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import hydra
import torch
from omegaconf import DictConfig
from torch import Tensor

from detector.app import parts
from detector.app.settings import plain
from detector.criterion.protocol import Criterion
from detector.geometry.points import decode, grid_of
from detector.structures import IGNORE_LABEL
from detector.tensors import Assignment, GridLevel, HeadOutput, Targets
from tests.built import CONFIGS

CRITERIA = sorted(
    path.stem for path in (CONFIGS / "criterion").glob("*.yaml") if not path.stem.startswith("_")
)
LEVELS = (GridLevel(8, 8, 4), GridLevel(4, 4, 8), GridLevel(2, 2, 16))
"""The levels of a 32x32 frame: 84 points."""

Truth = tuple[tuple[float, float, float, float], int]
"""Box xyxy and label; IGNORE_LABEL makes it a region to ignore."""


def head_of(
    logits: Tensor, distances: Tensor | None = None, *, levels: Sequence[GridLevel] = LEVELS
) -> HeadOutput:
    """logits [B, P, C] and distances [B, P, 4] (none: one stride to every side) from the levels' points."""
    grid = grid_of(levels, device=logits.device)
    if distances is None:
        distances = grid.strides[:, None].expand(len(logits), -1, 4)
    return HeadOutput(logits, decode(grid.points, distances), grid)


def random_head(*, batch: int = 2, classes: int = 3, seed: int = 0) -> HeadOutput:
    """Random answers on LEVELS, boxes of about two strides; logits and boxes require gradients."""
    generator = torch.Generator().manual_seed(seed)
    strides = grid_of(LEVELS, device="cpu").strides
    logits = torch.randn(batch, len(strides), classes, generator=generator)
    distances = (torch.rand(batch, len(strides), 4, generator=generator) + 0.5) * strides[:, None]
    output = head_of(logits, distances)
    return replace(output, logits=logits.requires_grad_(), boxes=output.boxes.requires_grad_())


def targets_of(*images: Sequence[Truth], rows: int = 0) -> Targets:
    """The truths of each image, padded to `rows` or to the fullest image."""
    rows = max(rows, 1, *(len(image) for image in images))
    boxes = torch.zeros(len(images), rows, 4)
    labels = torch.full((len(images), rows), IGNORE_LABEL)
    valid = torch.zeros(len(images), rows, dtype=torch.bool)
    ignored = valid.clone()
    for i, image in enumerate(images):
        for g, (box, label) in enumerate(image):
            boxes[i, g] = torch.tensor(box)
            labels[i, g] = label
            valid[i, g] = label != IGNORE_LABEL
            ignored[i, g] = label == IGNORE_LABEL
    return Targets(boxes, labels, valid, ignored)


def random_targets(*, counts: Sequence[int], classes: int = 3, seed: int = 0) -> Targets:
    """`counts[i]` random boxes of 2 to 20 pixels in image i of 32x32; every fifth row is to be ignored."""
    generator = torch.Generator().manual_seed(seed)

    def image(count: int) -> list[Truth]:
        side = torch.rand(count, 2, generator=generator) * 18 + 2
        corner = torch.rand(count, 2, generator=generator) * (32 - side)
        boxes = torch.cat((corner, corner + side), dim=1).tolist()
        return [(tuple(box), IGNORE_LABEL if g % 5 == 4 else g % classes) for g, box in enumerate(boxes)]

    return targets_of(*(image(count) for count in counts))


def assignment_of(
    positive: Tensor, *, boxes: Tensor, quality: float | Tensor = 1.0, ignored: Tensor | None = None
) -> Assignment:
    """positive [B, P] bool; boxes [P, 4] or [B, P, 4] where positive; every label is 0."""
    where = positive[..., None]
    return Assignment(
        positive=positive,
        ignored=torch.zeros_like(positive) if ignored is None else ignored,
        matched=torch.zeros_like(positive, dtype=torch.long),
        labels=torch.zeros_like(positive, dtype=torch.long),
        boxes=torch.where(where, boxes, 0.0),
        quality=torch.where(positive, torch.as_tensor(quality), 0.0),
        most=positive.numel(),
    )


def compose(name: str, *overrides: str) -> DictConfig:
    """The configuration configs/<name>.yaml with overrides."""
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return hydra.compose(name, overrides=list(overrides))


@functools.cache
def criterion(name: str, *overrides: str) -> Criterion:
    """configs/criterion/<name>.yaml, built; overrides as on the command line: "criterion.box_weight=0"."""
    loss: Criterion = parts.build("criterion", plain(compose(f"criterion/{name}", *overrides).criterion))
    return loss
