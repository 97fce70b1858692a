"""Frames of a data set as pictures for a page: grey, enlarged, with the truth's boxes."""

from __future__ import annotations

import cv2
import numpy as np

from detector.data.annotations import ImageRecord
from detector.data.frames import read_frame
from detector.errors import UserError
from detector.inference.draw import DISPLAY_GAIN, PALETTE, enlargement
from detector.report.kit.crops import MARK
from detector.report.kit.page import Picture, jpeg
from detector.structures import IGNORE_LABEL

_IGNORED = (150, 150, 150)


def frame_picture(record: ImageRecord, *, caption: str, marked: np.ndarray | None = None) -> Picture | None:
    """A frame with its truth in the colours of its classes; None where it cannot be read.

    Regions to ignore are grey. marked [N, 4]: boxes to draw above them in red, twice as thick.
    """
    try:
        frame = read_frame(record)
    except UserError:
        return None
    height, width = frame.size
    scale = enlargement(width)
    grey = (DISPLAY_GAIN(frame) * 255).round().astype(np.uint8)
    enlarged = cv2.resize(grey, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC)
    picture = cv2.cvtColor(enlarged, cv2.COLOR_GRAY2RGB)
    for box, label in zip(record.boxes, record.labels.tolist(), strict=True):
        colour = _IGNORED if label == IGNORE_LABEL else PALETTE[label % len(PALETTE)]
        _outline(picture, box * scale, colour, thickness=1)
    for box in [] if marked is None else marked:
        _outline(picture, box * scale, MARK, thickness=2)
    return Picture(jpeg(picture), f"thermal frame {record.path.name} with {len(record.boxes)} boxes", caption)


def _outline(picture: np.ndarray, box: np.ndarray, colour: tuple[int, int, int], *, thickness: int) -> None:
    # Far outside the frame a box's corners would not fit what OpenCV draws with.
    left, top, right, bottom = np.clip(box, -1e4, 1e4).round().astype(int).tolist()
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thickness)
