"""How large frames are shown to the network, and what patches of them it learns from.

A network of a few layers sees some hundred pixels at a time. Of an object that is larger it sees no more than
a part, and pays for every pixel of it; with fewer pixels it sees the whole.
"""

from __future__ import annotations

import numpy as np

from detector.data.annotations import Annotations
from detector.thermal.resolution import scaled_size

AUTO = "auto"
LARGE = 128.0
"""Pixels of the longer side: nine objects in ten should be no larger when shown."""
SMALL = 8.0
"""Pixels of the shorter side: nine objects in ten should stay at least so large."""


def scale_for(annotations: Annotations) -> float:
    """1, or the largest of 1/2, 1/3, ... with which the objects are not too LARGE; never makes them SMALL."""
    boxes = np.concatenate([record.boxes[~record.ignored] for record in annotations.records])
    if len(boxes) == 0:
        return 1.0
    sides = boxes[:, 2:] - boxes[:, :2]
    most = float(np.percentile(sides.max(1), 90)) / LARGE
    least = float(np.percentile(sides.min(1), 10)) / SMALL
    return 1 / max(1, min(int(np.ceil(most)), int(least)))


def patch_for(
    size: tuple[int, int], annotations: Annotations, *, scale: float, multiple: int
) -> tuple[int, int]:
    """(height, width) of training's patches: `size`, cut to what the largest frames have at that scale.

    Both are multiples of `multiple`; a square stays one.
    """
    shown = [scaled_size((record.height, record.width), scale) for record in annotations.records]
    height, width = (-(-side // multiple) * multiple for side in np.max(shown, axis=0).tolist())
    if size[0] == size[1]:
        height = width = max(height, width)
    return min(size[0], height), min(size[1], width)


def told(scale: float) -> str:
    """What a scale means for the user."""
    return (
        f"frames are shown at {scale:.3g} of their width and height "
        "(data.scale: auto shrinks those of large objects, 1 shows all pixels)"
    )
