"""Padding to sizes the network takes: the picture stays top-left, so boxes keep their coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.data.loading.sample import RawSample, Sample

PAD_VALUE = 0.0
"""What padding holds after gain: the low end of the window."""


def pad_to(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image [H, W] top-left in [height, width], PAD_VALUE right and below; H <= height, W <= width."""
    if image.shape == (height, width):
        return image
    padded = np.full((height, width), PAD_VALUE, image.dtype)
    padded[: image.shape[0], : image.shape[1]] = image
    return padded


def pad_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """The image [H, W] padded right and below until both sides are multiples of `multiple`."""
    height, width = (-(-side // multiple) * multiple for side in image.shape)
    return pad_to(image, height, width)


class WholeFrame:
    """The transform of evaluation: the whole frame, padded to multiples of `multiple`, the coarsest stride.

    mosaic_epochs: as every transform of training takes it; here there is nothing to end.
    """

    def __init__(self, multiple: int, *, mosaic_epochs: int | None = None) -> None:  # noqa: ARG002
        self.multiple = multiple

    def __call__(
        self,
        frames: Sequence[RawSample],
        index: int,
        *,
        epoch: int,  # noqa: ARG002 (the same in every epoch)
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Sample:
        raw = frames[index]
        return Sample(
            pad_to_multiple(raw.image(), self.multiple), raw.boxes, raw.labels, raw.ignored, raw.image_id
        )
