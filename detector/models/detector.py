"""The whole network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from detector.models.backbone import Backbone
from detector.models.neck import FeaturePyramid
from detector.tensors import HeadOutput


class Detector(nn.Module):
    """Small anchor-free one-stage detector for one-channel frames, finest stride 4.

    stem, widths, depths: see Backbone; neck_widths, neck_depths: see FeaturePyramid; head: makes the head for
    channels, strides (of the pyramid's levels) and classes, of any kind that gives a HeadOutput; classes:
    number of object classes.
    """

    def __init__(
        self,
        *,
        stem: int,
        widths: Sequence[int],
        depths: Sequence[int],
        neck_widths: Sequence[int],
        neck_depths: Sequence[int],
        head: Callable[..., nn.Module],
        classes: int,
    ) -> None:
        super().__init__()
        self.backbone = Backbone(stem=stem, widths=widths, depths=depths)
        self.neck = FeaturePyramid(inputs=self.backbone.channels, widths=neck_widths, depths=neck_depths)
        self.head = head(channels=tuple(neck_widths), strides=self.backbone.strides, classes=classes)

    @property
    def stride(self) -> int:
        """Coarsest stride: height and width of the input must be multiples of it."""
        return self.backbone.strides[-1]

    def forward(self, images: Tensor) -> HeadOutput:
        """images [B, 1, H, W] float in [0, 1] -> HeadOutput; the same in training and evaluation.

        Raises ValueError where H or W is not a multiple of `stride`.
        """
        height, width = images.shape[-2:]
        if images.shape[1] != 1 or height % self.stride or width % self.stride:
            raise ValueError(
                f"the network takes [B, 1, H, W] with H and W multiples of {self.stride}, "
                f"got {list(images.shape)}: pad the images first"
            )
        return self.head(self.neck(self.backbone(images)))
