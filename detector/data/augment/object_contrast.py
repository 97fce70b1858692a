"""Objects that stand out more or less than they did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.data.augment.layers import Layers
from detector.data.augment.patch import random_scale
from detector.data.augment.surroundings import feathered, surroundings
from detector.data.loading.sample import RawSample
from detector.errors import UserError


class ObjectContrast:
    """The difference between an object and its surroundings, multiplied: warmer clothes, a cooling engine.

    factor: limits of the log-uniform factor, each above 0, so that no object becomes invisible. ring: width
    of the strip around the box, as a share of each side, over which the change fades; 2 pixels at least.
    p: chance of each object. Raises UserError unless 0 < factor[0] <= factor[1].
    """

    def __init__(self, factor: tuple[float, float], *, ring: float, p: float) -> None:
        if not 0 < factor[0] <= factor[1]:
            raise UserError(f"object contrast factor: need 0 < min <= max, found {tuple(factor)}")
        self.factor = factor
        self.ring = ring
        self.p = p

    def __call__(self, layers: Layers, frames: Sequence[RawSample], *, rng: np.random.Generator) -> None:  # noqa: ARG002
        for index in layers.objects(min_side=2):
            if rng.random() < self.p:
                change_contrast(
                    layers.image, layers.boxes[index], ring=self.ring, factor=random_scale(self.factor, rng)
                )


def change_contrast(image: np.ndarray, box: np.ndarray, *, ring: float, factor: float) -> None:
    """Multiply, in place, what image [H, W] shows in box [4] beyond its surroundings; clipped to [0, 1].

    Pixels farther from the box than the ring keep their value.
    """
    margin = np.maximum(2, ring * (box[2:] - box[:2]))
    left, top = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
    right, bottom = np.ceil(box[2:] + margin).astype(int)
    part = image[top:bottom, left:right]
    weight = feathered(part.shape, box - np.array((left, top) * 2, np.float32))
    changed = part + (factor - 1) * weight * (part - surroundings(part))
    np.minimum(np.maximum(changed, 0), 1, out=part)
