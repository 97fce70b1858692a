"""CPTV recordings of the Cacophony Project's cameras (FLIR Lepton), through the package cptv.

The format: https://github.com/TheCacophonyProject/go-cptv, SPECv2.md. It says neither how many bits the
counts use nor whether they are radiometric, so bit_depth is 16 and there is no calibration.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.checks import check_size, depth_of, reading
from detector.thermal.io.recording import Recording

logging.getLogger("cptv").addHandler(logging.NullHandler())  # as in tiff.py

# Header fields as the package names them; where one is missing it gives None, 0 or an empty text.
FACTS = {
    "brand": "brand",
    "model": "model",
    "serial": "camera_serial",
    "firmware": "firmware",
    "device": "device_name",
    "device_id": "device_id",
    "latitude": "latitude",
    "longitude": "longitude",
    "altitude": "altitude",
    "location_accuracy": "accuracy",
    "location_time": "loc_timestamp",
    "preview_seconds": "preview_secs",
}
MAX_PIXELS = 2**20  # the package keeps tables of some 50 bytes a pixel; its cameras have 160 x 120
BYTES_A_PIXEL = 4  # more than the widest packing, 24 bits


def open_cptv(path: Path) -> Recording:
    """Frames with their times, and the camera's facts.

    A background picture that the camera computed and stored ahead of the frames is no frame and is left out.
    Raises UserError where the package is missing or the header cannot be read.
    """
    with reading(path, "CPTV recording"), path.open("rb") as file:
        reader = _reader(file, path)
        told = {name: getattr(reader, field) for name, field in FACTS.items()}
        facts = {name: _text(value) for name, value in told.items() if value}
        fps = float(reader.fps) if reader.fps else None
    return Recording(path.stem, partial(_frames, path), fps=fps, facts=facts)


def _frames(path: Path) -> Iterator[Frame]:
    """The header's time is the first frame's; the clock that counts since power-on gives the distances."""
    with reading(path, "CPTV recording"), path.open("rb") as file:
        reader = _reader(file, path)
        power_on: datetime | None = None
        number = 0
        for stored in reader:
            if stored.background_frame:
                continue
            if number == 0:
                power_on = _power_on(reader.timestamp, stored.time_on)
            time = None if power_on is None else power_on + stored.time_on
            source = f"{path} frame {number}"
            yield Frame(stored.pix, depth_of(stored.pix), source, time=time, sequence=path.stem)
            number += 1
        reader.s.read(1)  # the package takes a file that is cut off between two frames for complete


def _power_on(started: datetime, since: timedelta | None) -> datetime | None:
    """When the camera was switched on: `since` before the recording started. None where either is not told.

    The package takes the year 1970 for a time it cannot read, as does a camera whose clock was never set.
    """
    return None if since is None or started.year <= 1970 else started - since


def _reader(file: IO[bytes], path: Path) -> Any:
    """The package's reader behind its header."""
    try:
        from cptv import CPTVReader
    except ImportError:
        raise UserError(f"{path}: CPTV recordings need the package cptv: pip install cptv") from None
    reader = CPTVReader(file)
    width, height = reader.x_resolution, reader.y_resolution
    check_size(path, width=width, height=height, max_pixels=MAX_PIXELS)
    reader.s = _Bounded(reader.s, max_bytes=BYTES_A_PIXEL * width * height + 16)
    return reader


class _Bounded:
    """A stream that refuses to read more at once than a frame can take, whatever a header asks for."""

    def __init__(self, stream: IO[bytes], *, max_bytes: int) -> None:
        self.stream = stream
        self.max_bytes = max_bytes

    def read(self, size: int) -> bytes:
        if size > self.max_bytes:
            raise ValueError(f"a frame of {size} bytes")
        return self.stream.read(size)

    def seek(self, place: int) -> int:
        return self.stream.seek(place)


def _text(value: Any) -> str:
    return value.decode(errors="replace").strip() if isinstance(value, bytes) else str(value)
