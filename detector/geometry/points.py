"""Prediction points on a pyramid of grids, and boxes as distances from them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from detector.tensors import Grid, GridLevel


def centres(
    height: int, width: int, *, stride: int, device: torch.device | str, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Centres of a height x width grid of cells of `stride` pixels: [height * width, 2] as x, y pixels."""
    y = (torch.arange(height, device=device, dtype=dtype) + 0.5) * stride
    x = (torch.arange(width, device=device, dtype=dtype) + 0.5) * stride
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)


def grid_of(levels: Sequence[GridLevel], *, device: torch.device | str) -> Grid:
    """The points of several levels in the order given; points [P, 2] and strides [P] are float32."""
    points = [centres(level.height, level.width, stride=level.stride, device=device) for level in levels]
    strides = [
        torch.full((level.height * level.width,), float(level.stride), device=device) for level in levels
    ]
    return Grid(torch.cat(points), torch.cat(strides), tuple(levels))


def decode(points: Tensor, distances: Tensor) -> Tensor:
    """Boxes xyxy [..., P, 4] from points [P, 2] and their left, top, right, bottom distances [..., P, 4]."""
    return torch.cat([points - distances[..., :2], points + distances[..., 2:]], dim=-1)


def encode(points: Tensor, boxes: Tensor) -> Tensor:
    """Distances [..., P, 4] of boxes xyxy from points [P, 2]; negative where a point is outside its box."""
    return torch.cat([points - boxes[..., :2], boxes[..., 2:] - points], dim=-1)
