"""The tensors that travel between network, assigner, criterion and loop; structures.py needs no torch.

Letters used everywhere: B batch, P predictions, G padded ground truths, C classes, H W image size,
N a flat count. Boxes are xyxy in pixels of the network's input unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """Ground truth of a batch, padded to G boxes per image so that every shape is static.

    boxes [B, G, 4] float32; labels [B, G] int64, IGNORE_LABEL where no class is meant;
    valid [B, G] bool: a real object; ignored [B, G] bool: a region to leave out of the loss.
    A padded row is neither valid nor ignored.
    """

    boxes: Tensor
    labels: Tensor
    valid: Tensor
    ignored: Tensor


@dataclass(frozen=True)
class Batch:
    """What the loader yields: images [B, 1, H, W] float32 in [0, 1], their truth and their ids."""

    images: Tensor
    targets: Targets
    image_ids: Tensor

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, from where a GPU fetches it without anybody waiting.

        torch's DataLoader calls this by name.
        """
        return _map_tensors(self, Tensor.pin_memory)


@dataclass(frozen=True)
class GridLevel:
    """One level of the pyramid: height x width cells of `stride` pixels, one prediction point in each."""

    height: int
    width: int
    stride: int


@dataclass(frozen=True)
class Grid:
    """Where the predictions of a head with one prediction per cell stand.

    points [P, 2]: x, y in pixels; strides [P]: pixels between neighbours of the point's level; levels: the
    grids the points come from, in their order, row by row.
    """

    points: Tensor
    strides: Tensor
    levels: tuple[GridLevel, ...]

    @property
    def finest(self) -> int:
        """The smallest stride, in pixels."""
        return min(level.stride for level in self.levels)


@dataclass(frozen=True)
class HeadOutput:
    """What the model says, the same in training and evaluation.

    logits [B, P, C]; boxes [B, P, 4], float32; grid: where the predictions stand, None of a head that has
    none (a set of queries, say).
    """

    logits: Tensor
    boxes: Tensor
    grid: Grid | None


@dataclass(frozen=True)
class Assignment:
    """Which points answer for which truth.

    positive [B, P] bool; ignored [B, P] bool: neither positive nor negative; matched [B, P] int64: index
    into G, meaningful where positive; labels [B, P] int64 and boxes [B, P, 4]: those of the matched truth
    (0 elsewhere); quality [B, P] float32 in [0, 1]: how well the point is expected to do (1 for a hard
    assignment), 0 where not positive; most: the most points of the batch that can be positive, which shapes
    alone tell.
    """

    positive: Tensor
    ignored: Tensor
    matched: Tensor
    labels: Tensor
    boxes: Tensor
    quality: Tensor
    most: int


@dataclass(frozen=True)
class LossTerms:
    """total: the scalar to differentiate; parts: detached scalars to log, by name."""

    total: Tensor
    parts: dict[str, Tensor]


T = TypeVar("T", Batch, Targets)


def to_device(value: T, device: torch.device | str, *, non_blocking: bool = False) -> T:
    """The same value with every tensor on `device`; shares storage where a tensor is there already."""
    return _map_tensors(value, lambda tensor: tensor.to(device, non_blocking=non_blocking))


def _map_tensors(value: T, change: Callable[[Tensor], Tensor]) -> T:
    """The same dataclass with `change` applied to every tensor in it."""
    changed: dict[str, Any] = {}
    for field in fields(value):
        item = getattr(value, field.name)
        changed[field.name] = change(item) if isinstance(item, Tensor) else _map_tensors(item, change)
    return type(value)(**changed)
