"""Feature pyramid: gives the fine levels the context of the coarse ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detector.models.blocks import ConvNormAct, csp


class FeaturePyramid(nn.Module):
    """Top-down pyramid (Lin et al. 2017): a level is half its own features, half those of the level above.

    Both halves come through 1x1 convolutions, the coarse one before it is enlarged: the finest level has most
    of the points, so whatever works there must be thin.

    inputs, widths: channels of each level, in and out, finest first. depths: residuals of the CSP stage that
    joins the halves, one for each level but the coarsest; 0 joins them without a stage.
    """

    def __init__(self, *, inputs: Sequence[int], widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        if not len(inputs) == len(widths) == len(depths) + 1:
            raise ValueError(
                f"the neck needs one of widths {list(widths)} per level and one of depths {list(depths)} "
                f"per level but the coarsest, of {len(inputs)} levels"
            )
        self.top = ConvNormAct(inputs[-1], widths[-1], kernel=1)
        self.own = nn.ModuleList()
        self.above = nn.ModuleList()
        self.join = nn.ModuleList()
        for channels, width, coarser, depth in zip(inputs, widths, widths[1:], depths, strict=False):
            half = width // 2
            self.own.append(ConvNormAct(channels, width - half, kernel=1))
            self.above.append(ConvNormAct(coarser, half, kernel=1))
            self.join.append(csp(width, depth=depth))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """[B, inputs[i], H_i, W_i] per level, each half the size of the one before -> [B, widths[i], ...]."""
        levels = [self.top(features[-1])]
        for level in reversed(range(len(features) - 1)):
            above = F.interpolate(self.above[level](levels[0]), scale_factor=2.0, mode="nearest")
            own = self.own[level](features[level])
            levels.insert(0, self.join[level](torch.cat([own, above], dim=1)))
        return levels
