"""Objects that stand out more or less than they did."""

from __future__ import annotations

import math
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
    x0, y0, x1, y1 = box.tolist()
    across, down = max(2, ring * (x1 - x0)), max(2, ring * (y1 - y0))
    left, top = max(math.floor(x0 - across), 0), max(math.floor(y0 - down), 0)
    part = image[top : math.ceil(y1 + down), left : math.ceil(x1 + across)]
    weight = feathered(part.shape, (x0 - left, y0 - top, x1 - left, y1 - top))
    changed = part + (factor - 1) * weight * (part - surroundings(part))
    np.minimum(np.maximum(changed, 0), 1, out=part)
