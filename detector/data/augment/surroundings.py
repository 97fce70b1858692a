"""What is behind an object of which only the box is known: its surroundings, and where it ends softly."""

from __future__ import annotations

import cv2
import numpy as np


def surroundings(part: np.ndarray) -> np.ndarray:
    """[h, w] what the border of part [h, w] suggests for its inside, as if the object were not there.

    The surface that runs through all four border lines, each of them smoothed: linear between opposite
    lines (a Coons patch), so that a slope of the ground, or a horizon, goes on behind the object.
    """
    height, width = part.shape
    y = np.arange(height, dtype=np.float32)[:, None] / (height - 1)
    x = np.arange(width, dtype=np.float32) / (width - 1)
    top, bottom = _smooth(part[0]), _smooth(part[-1])
    left, right = _smooth(part[:, 0])[:, None], _smooth(part[:, -1])[:, None]
    upper, lower = ((1 - x) * line[0] + x * line[-1] for line in (top, bottom))
    between_lines = (1 - y) * top + y * bottom + (1 - x) * left + x * right
    return between_lines - (1 - y) * upper - y * lower


def _smooth(line: np.ndarray) -> np.ndarray:
    return cv2.blur(np.ascontiguousarray(line)[None], (5, 1), borderType=cv2.BORDER_REPLICATE)[0]


def feathered(shape: tuple[int, int], box: np.ndarray) -> np.ndarray:
    """[h, w] 1 at pixels whose centre is in box [4], falling linearly to 0 at the picture's border."""
    rows = _feather(shape[0], float(box[1]), float(box[3]))
    return rows[:, None] * _feather(shape[1], float(box[0]), float(box[2]))


def _feather(length: int, low: float, high: float) -> np.ndarray:
    centres = np.arange(length, dtype=np.float32) + 0.5
    before, after = (centres / max(low, 0.5), (length - centres) / max(length - high, 0.5))
    return np.minimum(np.minimum(before, after), 1)


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
