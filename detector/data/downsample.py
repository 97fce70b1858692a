"""Frames and truth as a camera of fewer pixels, behind the same lens, would have given them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.data.frames import read_frame_of_size
from detector.structures import Frame
from detector.thermal.resolution import resized, scaled_size


def downsample(annotations: Annotations, factor: float, *, min_side: float = 0.0) -> Annotations:
    """The truth of frames smaller by `factor`, in (0, 1]; records keep the path of the large picture.

    min_side: objects whose shorter side is less, in pixels after, become regions to ignore.
    """
    return replace(
        annotations,
        records=tuple(_smaller(record, factor, min_side) for record in annotations.records),
    )


def read_downsampled(record: ImageRecord, *, width: int, height: int) -> Frame:
    """The record's frame with fewer pixels: whole counts, nearest to the mean of those they cover.

    width and height: at most the record's. Raises UserError as io.read does, and where the picture is not of
    the record's size.
    """
    return resized(read_frame_of_size(record), (height, width))


def _smaller(record: ImageRecord, factor: float, min_side: float) -> ImageRecord:
    height, width = scaled_size((record.height, record.width), factor)
    # What each side really becomes: whole pixels may change the frame's shape by a little.
    factors = np.array((width / record.width, height / record.height) * 2)
    boxes = record.boxes * factors
    small = (boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf) < min_side
    return replace(
        record,
        width=width,
        height=height,
        boxes=boxes.astype(np.float32),
        ignored=record.ignored | small,
        stored=None,  # what the files have is not this
    )
