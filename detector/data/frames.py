"""The frame of a record."""

from __future__ import annotations

from detector.data.annotations import ImageRecord
from detector.structures import Frame
from detector.thermal import io


def read_frame(record: ImageRecord) -> Frame:
    """The record's picture as it is in the file, whatever size that has; raw counts take the record's.

    Raises UserError as io.read does.
    """
    return io.read(record.path, raw_shape=(record.height, record.width))
