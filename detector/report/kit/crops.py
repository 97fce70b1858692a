"""An object with what is around it, cut from its frame and enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from detector.inference.draw import draw, enlargement
from detector.structures import Detections

MARK = (255, 45, 85)
"""Red ring around the object meant."""

_CONTEXT = 4.0
"""Sides of the object that the window has."""

_MIN_SIDE = 40
"""Pixels of the frame that a window has, so that a person of 6 pixels is seen on its road."""

_WIDTH = 320
_RING = 18
"""Pixels of the picture between box and ring: room for the name at the box."""


def crop(
    image: np.ndarray,
    box: np.ndarray,
    *,
    detections: Detections,
    ground_truth: np.ndarray,
    classes: Sequence[str],
) -> np.ndarray:
    """[h, w, 3] uint8 picture, about 320 pixels wide, of box [4] and its surroundings, the box ringed in red.

    image: [H, W] float32 in [0, 1], the whole frame. detections are drawn in the colours of their
    classes with their names, the ground truth [N, 4] dashed white. Boxes are xyxy in pixels of the frame.
    """
    left, top, right, bottom = _window(box, height=image.shape[0], width=image.shape[1])
    origin = np.array((left, top, left, top), dtype=np.float32)
    scale = enlargement(right - left, to=_WIDTH)
    picture = draw(
        image[top:bottom, left:right],
        _inside(detections, left, top, right, bottom),
        classes=classes,
        truth=ground_truth - origin,
        scale=scale,
    )
    x1, y1, x2, y2 = ((box - origin) * scale).round().astype(int).tolist()
    cv2.rectangle(picture, (x1 - _RING, y1 - _RING), (x2 + _RING - 1, y2 + _RING - 1), MARK, 2)
    return picture


def _window(box: np.ndarray, *, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom around a box, square where the frame has room for it."""
    side = int(np.ceil(max(_MIN_SIDE, _CONTEXT * float((box[2:] - box[:2]).max()))))
    centre = (box[:2] + box[2:]) / 2
    starts, ends = [], []
    for middle, length in zip(centre.tolist(), (width, height), strict=True):
        size = min(side, length)
        start = int(np.clip(round(middle - size / 2), 0, length - size))
        starts.append(start)
        ends.append(start + size)
    return starts[0], starts[1], ends[0], ends[1]


def _inside(detections: Detections, left: int, top: int, right: int, bottom: int) -> Detections:
    """Those that reach into a window, in its pixels."""
    boxes = detections.boxes
    seen = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
    origin = np.array((left, top, left, top), boxes.dtype)
    return replace(detections.keep(seen), boxes=boxes[seen] - origin)
