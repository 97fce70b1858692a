"""Feature pyramid: gives the fine levels the context of the coarse ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detector.models.blocks import ConvNormAct, CspStage


class FeaturePyramid(nn.Module):
    """Top-down pyramid (Lin et al. 2017) whose fusions are concatenation and a CSP block.

    inputs: channels of each level, finest first; every output level has `channels` channels.
    """

    def __init__(self, *, inputs: Sequence[int], channels: int, depth: int = 1) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(ConvNormAct(width, channels, kernel=1) for width in inputs)
        self.fuse = nn.ModuleList(
            CspStage(2 * channels, channels, depth=depth) for _ in range(len(inputs) - 1)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        levels = [lateral(x) for lateral, x in zip(self.lateral, features, strict=True)]
        for level in range(len(levels) - 2, -1, -1):
            above = F.interpolate(levels[level + 1], scale_factor=2.0, mode="nearest")
            levels[level] = self.fuse[level](torch.cat([levels[level], above], dim=1))
        return levels
