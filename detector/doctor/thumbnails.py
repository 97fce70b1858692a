"""Small pictures of frames, to tell by how alike they are whether two frames show the same."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

HEIGHT, WIDTH = 48, 64
"""Cells of a thumbnail."""
REACH = 6
"""Cells by which one is moved over another, a tenth of the width."""

_SMOOTH = 3.0  # cells; what is smoother, as a gradient of the sky, is no detail
_UNIT = 32  # a deviation of 1, in the bytes that are kept
_RICH = 6.0
_ROUNDING = 0.29  # the deviation that rounding to whole counts gives


class Thumbnail(NamedTuple):
    """detail [HEIGHT, WIDTH] int8: what is left of a frame's cell means without smooth parts and lines.

    poor: the detail is hardly more than noise, as of an empty sky.
    """

    detail: np.ndarray
    poor: bool


def thumbnail(counts: np.ndarray) -> Thumbnail:
    """Of a frame [H, W]; gain and offset do not matter.

    Whole rows and columns are taken off: a level horizon is much alike everywhere, and lines of a sensor
    are in all of its frames.
    """
    image = counts.astype(np.float32)
    cells = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    detail = cells - cv2.GaussianBlur(cells, (0, 0), _SMOOTH, borderType=cv2.BORDER_REFLECT)
    detail -= detail.mean(axis=1, keepdims=True)
    detail -= detail.mean(axis=0, keepdims=True)
    deviation = float(detail.std())
    steps = np.abs(np.diff(image[::2], axis=1))
    noise = float(np.median(steps)) / 0.954  # median of a difference of two normal deviates
    averaged = max(noise, _ROUNDING) / max(1.0, image.size / (WIDTH * HEIGHT)) ** 0.5
    scaled = np.clip(np.rint(detail * (_UNIT / max(deviation, 1e-6))), -127, 127)
    return Thumbnail(scaled.astype(np.int8), deviation < _RICH * averaged)


def likenesses(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[N] correlation, in [-1, 1], of a detail [HEIGHT, WIDTH] with others [N, HEIGHT, WIDTH], unmoved."""
    flat = others.reshape(len(others), one.size).astype(np.float32)
    first = one.ravel().astype(np.float32)
    lengths = np.linalg.norm(flat, axis=1) * np.linalg.norm(first)
    return np.asarray(flat @ first / np.maximum(lengths, 1.0))


def likeness_moved(one: np.ndarray, other: np.ndarray) -> float:
    """The highest correlation of two details, the middle of one moved up to REACH over the other."""
    middle = one[REACH:-REACH, REACH:-REACH].astype(np.float32)
    return float(cv2.matchTemplate(other.astype(np.float32), middle, cv2.TM_CCOEFF_NORMED).max())
