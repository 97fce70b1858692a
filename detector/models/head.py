"""Anchor-free head: class logits and a box at every point of every level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from detector.dtypes import at_least_float32
from detector.errors import UserError
from detector.geometry.points import decode, grid_of
from detector.models.blocks import ConvNormAct
from detector.models.dropout import BatchDropout2d
from detector.tensors import GridLevel, HeadOutput


class Head(nn.Module):
    """Sigmoid classification and left-top-right-bottom distances (Tian et al. 2019, FCOS).

    Each level has one tower of `depth` 3x3 convolutions as wide as the level, which class and box share.
    channels: of the levels, finest first. prior: the probability every class starts with, so that the first
    steps are not spent on background. dropout: in [0, 1), the share of channels that training takes away
    before the prediction, other ones for every image and level. After the last batch norm, since a norm after
    a dropout would learn variances that evaluation does not have (Li et al. 2019); whole channels, since a
    cell's neighbours would tell what it lost (Tompson et al. 2015). Raises UserError for another share.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
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
        self.classes = classes
        self.towers = nn.ModuleList(
            nn.Sequential(*(ConvNormAct(width, width) for _ in range(depth))) for width in channels
        )
        self.predict = nn.ModuleList(nn.Conv2d(width, classes + 4, 1) for width in channels)
        self.drop = BatchDropout2d(dropout) if dropout else nn.Identity()
        for predict in self.predict:
            assert isinstance(predict, nn.Conv2d)
            assert predict.bias is not None
            nn.init.normal_(predict.weight, std=0.01)
            nn.init.constant_(predict.bias[:classes], -math.log((1 - prior) / prior))
            nn.init.constant_(predict.bias[classes:], 1.0)

    def forward(self, levels: list[Tensor]) -> HeadOutput:
        """[B, channels[i], H_i, W_i] per level -> HeadOutput."""
        answers, grids = [], []
        for x, tower, predict, stride in zip(levels, self.towers, self.predict, self.strides, strict=True):
            answers.append(predict(self.drop(tower(x))).flatten(2))
            grids.append(GridLevel(height=x.shape[2], width=x.shape[3], stride=stride))
        grid = grid_of(grids, device=levels[0].device)
        joined = at_least_float32(torch.cat(answers, dim=2).transpose(1, 2))
        logits, raw = joined.split([self.classes, 4], dim=2)
        return HeadOutput(
            logits=logits,
            boxes=decode(grid.points, squareplus(raw) * grid.strides[:, None]),
            grid=grid,
        )


def squareplus(x: Tensor) -> Tensor:
    """(x + sqrt(x^2 + 4)) / 2 (Barron 2021): positive, 1 at 0, and linear where it is large.

    Distances in strides of it: a wide box is no exponential leap. Softplus has the same shape, but takes a
    logarithm that a runtime computes one number at a time, for four numbers of every point.
    """
    return (x + torch.sqrt(x * x + 4)) / 2
