"""What is behind an object of which only the box is known: its surroundings, and where it ends softly."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np


def surroundings(part: np.ndarray) -> np.ndarray:
    """[h, w] what the border of part [h, w] suggests for its inside, as if the object were not there.

    The surface that runs through all four border lines, each of them smoothed: linear between opposite
    lines (a Coons patch), so that a slope of the ground, or a horizon, goes on behind the object.
    """
    down, across = (_shares(length) for length in part.shape)
    rows, columns = _ends(part), _ends(part.T)  # top and bottom, left and right
    corners = rows[:, :: part.shape[1] - 1]
    return down.T @ (rows - corners @ across) + columns.T @ across


def _ends(part: np.ndarray) -> np.ndarray:
    """[2, w] the first and the last row of part [h, w], smoothed."""
    ends = np.ascontiguousarray(part[:: len(part) - 1])
    return cv2.blur(ends, (5, 1), borderType=cv2.BORDER_REPLICATE)


@functools.cache
def _shares(length: int) -> np.ndarray:
    """[2, length] how much of each place along a side is the first end's and the last's."""
    last = np.linspace(0, 1, length, dtype=np.float32)
    shares = np.stack((1 - last, last))
    shares.flags.writeable = False
    return shares


def feathered(shape: tuple[int, int], box: Sequence[float]) -> np.ndarray:
    """[h, w] 1 at pixels whose centre is in the box, falling linearly to 0 at the picture's border."""
    left, top, right, bottom = box
    return _feather(shape[0], top, bottom)[:, None] * _feather(shape[1], left, right)


def _feather(length: int, low: float, high: float) -> np.ndarray:
    corners = (0, max(low, 0.5), min(high, length - 0.5), length)
    return np.interp(np.arange(0.5, length), corners, (0, 1, 1, 0)).astype(np.float32)


def opacity(residual: np.ndarray, box: np.ndarray) -> np.ndarray:
    """[h, w] in [0, 1]: how much of each pixel is object, guessed from its contrast.

    residual [h, w]: the picture less its surroundings. A pixel as far from them as the box's pixels are on
    (quadratic) average is all object; below, proportionally less: at a blurred border the object and what
    is behind it share a pixel in that proportion. The middle of the box, an ellipse of half its size, is
    object whatever it looks like.
    """
    left, top, right, bottom = (round(float(value)) for value in box)
    inside = residual[top : max(bottom, top + 1), left : max(right, left + 1)]
    contrast = max(float(np.sqrt(np.mean(inside * inside))), 1e-6)
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    y = (np.arange(residual.shape[0], dtype=np.float32)[:, None] + 0.5 - centre[1]) / half[1]
    x = (np.arange(residual.shape[1], dtype=np.float32) + 0.5 - centre[0]) / half[0]
    middle = np.clip(4 * (0.75 - np.sqrt(x * x + y * y)), 0, 1)
    return np.maximum(middle, np.minimum(np.abs(residual) / contrast, 1))
