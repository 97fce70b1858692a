"""Patches: a random part of a frame at a random scale, which is most of training's geometry.

One resize per patch, and only of the pixels that end up in the training picture. This stands outside
albumentations because that works on whole pictures: its Affine and crop of a 320x256 frame with a dozen boxes
took 0.97 ms against 0.16 ms here, and a mosaic needs four.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from detector.data.loading.padding import PAD_VALUE
from detector.data.loading.sample import RawSample, Sample


@dataclass(frozen=True)
class VisibilityRule:
    """What is left of an object that the picture's edge cuts.

    An object of which less than `min_visible` of the area remains, or whose shorter side is under `min_side`
    pixels, becomes an ignored region: too little to be learnt as an object, too much for background.
    """

    min_visible: float
    min_side: float

    def apply(self, sample: Sample, full_areas: np.ndarray) -> Sample:
        """The sample with boxes clipped to its image; those without area are gone.

        full_areas [N]: area of each box before anything was cut off, in pixels of this image.
        """
        height, width = sample.image.shape
        # On arrays so small np.clip takes several times as long.
        boxes = np.minimum(np.maximum(sample.boxes, 0), np.array((width, height, width, height), np.float32))
        wide, high = (boxes[:, 2:] - boxes[:, :2]).T
        inside = (wide > 0) & (high > 0)
        visible = wide * high >= self.min_visible * full_areas
        ignored = sample.ignored | ~visible | (np.minimum(wide, high) < self.min_side)
        return replace(sample, boxes=boxes[inside], labels=sample.labels[inside], ignored=ignored[inside])


def random_scale(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Log-uniform in limits: as often halved as doubled."""
    return math.exp(rng.uniform(math.log(limits[0]), math.log(limits[1])))


def cut_patch(raw: RawSample, size: tuple[int, int], *, scale: float, rng: np.random.Generator) -> Sample:
    """A random part of the frame at `scale`, of size (height, width); boxes are not clipped.

    Where the scaled frame is smaller than the patch it lies at a random place in it, on PAD_VALUE.
    """
    # Along each axis: `length` source pixels from `first` become `extent` patch pixels from `offset`.
    axes = [_axis(full, side, scale, rng) for full, side in zip(raw.counts.shape, size, strict=True)]
    (top, rows, y, height), (left, columns, x, width) = axes
    part = raw.image(slice(top, top + rows), slice(left, left + columns))
    if part.shape != (height, width):
        # Below one half, linear interpolation would skip source pixels; above it costs an eighth of area's.
        method = cv2.INTER_AREA if 2 * height < rows else cv2.INTER_LINEAR
        part = cv2.resize(part, (width, height), interpolation=method)
    if part.shape != size:
        patch = np.full(size, PAD_VALUE, np.float32)
        patch[y : y + height, x : x + width] = part
        part = patch
    factors = np.array((width / columns, height / rows) * 2, np.float32)
    boxes = (raw.boxes - np.array((left, top) * 2, np.float32)) * factors + np.array((x, y) * 2, np.float32)
    return Sample(part, boxes, raw.labels, raw.ignored, raw.image_id)


def _axis(full: int, side: int, scale: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """(first, length) in the frame and (offset, extent) in the patch along one axis."""
    length = max(1, round(side / scale))
    if length <= full:
        return int(rng.integers(full - length + 1)), length, 0, side
    extent = min(side, max(1, round(full * scale)))
    return 0, full, int(rng.integers(side - extent + 1)), extent


def areas(boxes: np.ndarray) -> np.ndarray:
    """[N] of boxes [N, 4]."""
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T
    return np.asarray(wide * high)
