"""Feature extractor for one-channel frames."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from detector.models.blocks import ConvNormAct, PyramidPooling, csp


class Backbone(nn.Module):
    """Features at strides 4, 8, 16, ...: one level per entry of `widths`.

    The stem halves the frame twice with plain 3x3 convolutions: thermal objects of 6x9 pixels do not
    survive a 7x7 stride-2 stem with pooling.

    widths: channels of each level; depths: residual blocks of each level, as many as widths; 0 is the strided
    convolution alone.
    """

    def __init__(self, *, stem: int, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        if len(widths) != len(depths):
            raise ValueError(f"widths {list(widths)} and depths {list(depths)} must have the same length")
        self.stem = ConvNormAct(1, stem, stride=2)
        stages: list[nn.Module] = []
        inputs = stem
        for width, depth in zip(widths, depths, strict=True):
            blocks = csp(width, depth=depth)
            stages.append(nn.Sequential(ConvNormAct(inputs, width, stride=2), blocks))
            inputs = width
        self.stages = nn.ModuleList(stages)
        self.context = PyramidPooling(inputs)
        self.channels = tuple(widths)
        self.strides = tuple(4 * 2**level for level in range(len(widths)))

    def forward(self, images: Tensor) -> list[Tensor]:
        """images [B, 1, H, W] -> one [B, widths[i], H/strides[i], W/strides[i]] per level."""
        x = self.stem(images)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features[-1] = self.context(x)
        return features
