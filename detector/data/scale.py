"""How large frames are shown to the network, and what patches of them it learns from.

A network of a few layers sees some hundred pixels at a time: of an object that is larger it sees a part, and
pays for every pixel of it. Its grid has points 4 pixels apart: an object about as small has few of them to be
found at, and a few pixels between it and its neighbours are none. Frames are shown at the scale that suits.
"""

from __future__ import annotations

import math

import numpy as np

from detector.data.annotations import Annotations
from detector.thermal.resolution import MOST, scaled_size

AUTO = "auto"
LARGE = 128.0
"""Pixels of the longer side: nine objects in ten should be no larger when shown."""
SMALL = 8.0
"""Pixels of the shorter side: nine objects in ten should be at least so large when shown."""
PIXELS = 640 * 512
"""Frames are not enlarged beyond so many, which are those of the largest cameras that this is for."""


def scale_for(annotations: Annotations) -> float:
    """1; or 1/2, 1/3, ... until objects are not LARGE, as far as none becomes SMALL; or 2, 3, ... until none
    is SMALL, as far as none becomes LARGE and the largest frames have no more than PIXELS.
    """
    longer, shorter = _sides(annotations)
    if longer > LARGE:
        return 1 / max(1, min(math.ceil(longer / LARGE), int(shorter / SMALL)))
    room = math.isqrt(PIXELS // int(annotations.table.sizes.prod(1).max()))
    return float(max(1, min(_wanted(shorter), int(LARGE / max(longer, 1)), room)))


def _sides(annotations: Annotations) -> tuple[float, float]:
    """Pixels: longer side that a tenth of the objects surpass, shorter side below which a tenth lie."""
    table = annotations.table
    sides = (table.boxes[:, 2:] - table.boxes[:, :2])[table.real]
    if len(sides) == 0:
        return LARGE, SMALL
    return float(np.percentile(sides.max(1), 90)), float(np.percentile(sides.min(1), 10))


def _wanted(shorter: float) -> int:
    return math.ceil(SMALL / max(shorter, SMALL / MOST))


def enlarged_patch(size: tuple[int, int], *, scale: float, multiple: int) -> tuple[int, int]:
    """(height, width) of patches of enlarged frames: `scale` times the pixels, in multiples of `multiple`.

    Half way between as many pixels, which would show less of the scene, and as much of the scene, which would
    take scale^2 times as long to learn from.
    """
    height, width = (math.ceil(side * math.sqrt(scale) / multiple) * multiple for side in size)
    return height, width


def patch_for(
    size: tuple[int, int], annotations: Annotations, *, scale: float, multiple: int
) -> tuple[int, int]:
    """(height, width) of training's patches: `size`, cut to what the largest frames have at that scale.

    Both are multiples of `multiple`; a square stays one.
    """
    width, height = annotations.table.sizes.max(axis=0).tolist()
    height, width = (-(-side // multiple) * multiple for side in scaled_size((height, width), scale))
    if size[0] == size[1]:
        height = width = max(height, width)
    return min(size[0], height), min(size[1], width)


def notes(annotations: Annotations, scale: float) -> list[str]:
    """What a user should know of the scale at which these frames are shown; nothing where it is as usual."""
    said = []
    if scale != 1:
        said.append(
            f"frames are shown at {scale:.3g} of their width and height, which takes {scale**2:.2g} times as "
            "long (data.scale: auto shrinks large objects, enlarges small ones; 1 shows frames as they are)"
        )
    _, shorter = _sides(annotations)
    if scale == 1 and _wanted(shorter) > 1:
        said.append(
            f"one object in ten is narrower than {shorter:.1f} pixels: data.scale=2 with larger patches "
            "(augment.size) shows frames enlarged, finds more of such and computes four times as long"
        )
    return said
