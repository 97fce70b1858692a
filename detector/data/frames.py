"""The frames of records, and the gain of each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from detector.data.annotations import ImageRecord
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.agc import Agc
from detector.thermal.io.exif import SIDEWAYS

NOT_TURNED = "take the tag away, exiftool -Orientation= FILES"
"""The remedy where boxes were drawn on pictures as they are stored."""


def read_frame(record: ImageRecord) -> Frame:
    """The record's picture as it is in the file, whatever size that has; raw counts take the record's.

    Raises UserError as io.read does.
    """
    shape = (record.height, record.width)
    return io.read(record.path, raw_shape=shape, colour=record.colour, unit=record.unit)


def read_frame_of_size(record: ImageRecord) -> Frame:
    """As `read_frame`; raises UserError too where the picture is not of the record's size."""
    frame = read_frame(record)
    if frame.size != (record.height, record.width):
        sideways = frame.orientation >= SIDEWAYS and frame.size == (record.width, record.height)
        raise UserError(
            f"{record.path}: the picture is {frame.size[1]}x{frame.size[0]} but its annotation record "
            f"(image id {record.image_id}) says {record.width}x{record.height}"
            + (
                f"; EXIF turns it, and the boxes are of the picture as stored: {NOT_TURNED}"
                if sideways
                else ""
            )
        )
    return frame


def gains_of(records: Sequence[ImageRecord], gain: Agc) -> list[Agc]:
    """The gain of each record's frame: `gain` after a look at its recording, the records of one `sequence`.

    A record without is a recording of its own. Frames that cannot be read are passed over here.
    """
    recordings: dict[str | int, list[int]] = {}
    for index, record in enumerate(records):
        recordings.setdefault(index if record.sequence is None else record.sequence, []).append(index)
    gains = [gain] * len(records)
    for indices in recordings.values():
        own = gain.for_sequence(_readable(records[index] for index in indices))
        for index in indices:
            gains[index] = own
    return gains


def _readable(records: Iterable[ImageRecord]) -> Iterator[Frame]:
    for record in records:
        with contextlib.suppress(UserError):
            yield read_frame_of_size(record)
