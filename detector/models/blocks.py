"""Convolution blocks shared by backbone, neck and head."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvNormAct(nn.Sequential):
    """Convolution, batch norm, ReLU. Keeps the size divided by `stride`; odd kernels only.

    ReLU, since runtimes make it a part of the convolution, in integers too; SiLU is operations of its own.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions around an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNormAct(channels, channels), ConvNormAct(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class CspStage(nn.Module):
    """Cross-stage partial block: half of the channels pass through `depth` residuals, and every
    intermediate result joins the output (Wang et al. 2020, with the dense join of ELAN)."""

    def __init__(self, channels: int, *, depth: int) -> None:
        super().__init__()
        half = channels // 2
        self.split = ConvNormAct(channels, 2 * half, kernel=1)
        self.blocks = nn.ModuleList(Residual(half) for _ in range(depth))
        self.join = ConvNormAct((2 + depth) * half, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.split(x).chunk(2, dim=1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.join(torch.cat(parts, dim=1))


def csp(channels: int, *, depth: int) -> nn.Module:
    """A CspStage; at depth 0 none at all."""
    return CspStage(channels, depth=depth) if depth else nn.Identity()


class PyramidPooling(nn.Module):
    """Three chained 5x5 max pools beside the input: context of 13x13 cells for the price of two 1x1
    convolutions (the "fast" form of He et al. 2015, spatial pyramid pooling)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.reduce = ConvNormAct(channels, half, kernel=1)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.join = ConvNormAct(4 * half, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.reduce(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.join(torch.cat(parts, dim=1))
