"""Decoupled anchor-free head: class logits and a box at every point of every level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detector.errors import UserError
from detector.geometry.points import decode, grid_of
from detector.tensors import GridLevel, HeadOutput


class Tower(nn.Module):
    """3x3 convolutions whose weights all levels share and whose batch norms none do.

    The levels see the same kinds of objects at different scales, so sharing filters helps the rare ones;
    their activations have different statistics, so a shared batch norm would fit none of them.
    """

    def __init__(self, channels: int, *, depth: int, levels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(depth)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(depth)) for _ in range(levels)
        )

    def forward(self, x: Tensor, level: int) -> Tensor:
        norms = self.norms[level]
        assert isinstance(norms, nn.ModuleList)
        for convolution, norm in zip(self.convolutions, norms, strict=True):
            x = F.silu(norm(convolution(x)), inplace=True)
        return x


class Head(nn.Module):
    """Sigmoid classification and left-top-right-bottom distances (Tian et al. 2019, FCOS).

    prior: the probability every class starts with, so that the first steps are not spent on background.
    dropout: in [0, 1), the share of channels that training takes away before each of the two predictions,
    other ones for every image and level. After the last batch norm, since a norm after a dropout would learn
    variances that evaluation does not have (Li et al. 2019); whole channels, since a cell's neighbours would
    tell what it lost (Tompson et al. 2015). Raises UserError for another share.
    """

    def __init__(
        self,
        *,
        channels: int,
        strides: Sequence[int],
        classes: int,
        depth: int,
        prior: float,
        dropout: float,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise UserError(f"model.head.dropout={dropout}: must be at least 0 and below 1")
        self.strides = tuple(strides)
        levels = len(self.strides)
        self.class_tower = Tower(channels, depth=depth, levels=levels)
        self.box_tower = Tower(channels, depth=depth, levels=levels)
        self.classify = nn.Conv2d(channels, classes, 1)
        self.regress = nn.Conv2d(channels, 4, 1)
        self.drop = nn.Dropout2d(dropout) if dropout else nn.Identity()
        self.scales = nn.Parameter(torch.ones(levels))
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.normal_(self.regress.weight, std=0.01)
        assert self.classify.bias is not None
        assert self.regress.bias is not None
        nn.init.constant_(self.classify.bias, -math.log((1 - prior) / prior))
        nn.init.constant_(self.regress.bias, 1.0)

    def forward(self, levels: list[Tensor]) -> HeadOutput:
        logits, distances, grids = [], [], []
        for index, (x, stride) in enumerate(zip(levels, self.strides, strict=True)):
            logits.append(self.classify(self.drop(self.class_tower(x, index))).flatten(2))
            raw = self.regress(self.drop(self.box_tower(x, index))).flatten(2).float()
            # softplus keeps distances positive and grows linearly: a wide box is no exponential leap.
            distances.append(F.softplus(raw * self.scales[index]) * stride)
            grids.append(GridLevel(height=x.shape[2], width=x.shape[3], stride=stride))
        grid = grid_of(grids, device=levels[0].device)
        return HeadOutput(
            logits=torch.cat(logits, dim=2).transpose(1, 2).float(),
            boxes=decode(grid.points, torch.cat(distances, dim=2).transpose(1, 2)),
            grid=grid,
        )
