"""Frames with fewer pixels, or with more."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from detector.errors import UserError
from detector.structures import Frame

MOST = 4
"""Times as many pixels along each side: more would only blur."""


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) in whole pixels of a frame of `size` at `scale`, at least 1 each."""
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def resized(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame with (height, width) pixels, in whole counts.

    Larger pixels collect what the smaller ones in their place did: their counts are means over the area of
    each, which lowers the noise as well. Between smaller ones counts are interpolated.
    """
    if size == frame.size:
        return frame
    shrinks = size[0] * size[1] < frame.counts.size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    # In floats: OpenCV rounds halves of integers up in some sizes, which would brighten those.
    values = cv2.resize(frame.counts.astype(np.float32), size[::-1], interpolation=method)
    return replace(frame, counts=np.rint(values).astype(frame.counts.dtype))


def checked_scale(scale: object, *, where: str) -> float:
    """A scale as settings give it; UserError for what is not a number above 0 and at most MOST."""
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= MOST:
        raise UserError(f"{where}={scale}: must be a number above 0 and at most {MOST}")
    return float(scale)
