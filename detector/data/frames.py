"""The frame of a record."""

from __future__ import annotations

from detector.data.annotations import ImageRecord
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io


def read_frame(record: ImageRecord) -> Frame:
    """The record's picture as it is in the file, whatever size that has; raw counts take the record's.

    Raises UserError as io.read does.
    """
    return io.read(record.path, raw_shape=(record.height, record.width))


def read_frame_of_size(record: ImageRecord) -> Frame:
    """As `read_frame`; raises UserError too where the picture is not of the record's size."""
    frame = read_frame(record)
    if frame.size != (record.height, record.width):
        raise UserError(
            f"{record.path}: the picture is {frame.size[1]}x{frame.size[0]} but its annotation record "
            f"(image id {record.image_id}) says {record.width}x{record.height}"
        )
    return frame
