"""Four patches in one picture: more scenes, scales and contrasts in every batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detector.data.augment.patch import VisibilityRule, areas, cut_patch, random_scale
from detector.data.loading.sample import RawSample, Sample


def mosaic(
    raws: Sequence[RawSample],
    size: tuple[int, int],
    *,
    scale: tuple[float, float],
    rule: VisibilityRule,
    rng: np.random.Generator,
) -> Sample:
    """Four patches, each of its own scale, meeting at a random point in the middle 40 % of both axes."""
    height, width = size
    y, x = (int(side * rng.uniform(0.3, 0.7)) for side in size)
    image = np.empty(size, np.float32)
    corners = ((0, 0, y, x), (0, x, y, width), (y, 0, height, x), (y, x, height, width))
    patches = []
    for raw, (top, left, bottom, right) in zip(raws, corners, strict=True):
        patch = cut_patch(raw, (bottom - top, right - left), scale=random_scale(scale, rng), rng=rng)
        patch = rule.apply(patch, areas(patch.boxes))
        image[top:bottom, left:right] = patch.image
        patches.append(replace(patch, boxes=patch.boxes + np.array((left, top) * 2, np.float32)))
    return Sample(
        image,
        np.concatenate([patch.boxes for patch in patches]),
        np.concatenate([patch.labels for patch in patches]),
        np.concatenate([patch.ignored for patch in patches]),
        raws[0].image_id,
    )
