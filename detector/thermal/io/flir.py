"""The raw counts and the calibration inside a FLIR radiometric JPEG.

The layout is that of ExifTool's documentation of FLIR's tags (https://exiftool.org/TagNames/FLIR.html): an
FFF file, cut into APP1 segments, holds records; one has the counts, one the camera's settings.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from detector.errors import UserError
from detector.structures import Calibration
from detector.thermal.io import png
from detector.thermal.io.checks import check_size, reading
from detector.thermal.io.opencv import decode
from detector.thermal.radiometry import AirAbsorption, Planck, ThroughAir

SEGMENT_START = b"FLIR\0"
SEGMENT_HEADER = 8  # the start, a version, this segment's number and the last one's
FILE_STARTS = (b"FFF\0", b"AFF\0")
RAW_DATA, CAMERA_INFO = 1, 0x20
DIRECTORY_ENTRY = 32
MOST_RECORDS = 1000
RAW_HEADER = 32


def raw_counts(segments: list[bytes], path: Path) -> tuple[np.ndarray, Calibration | None]:
    """[H, W] uint16 counts, and their calibration where the file has the camera's settings.

    segments: payloads of all APP1 segments that begin with SEGMENT_START. Raises UserError for damage.
    """
    with reading(path, "FLIR block"):
        records = _records(_joined(segments))
        counts = _counts(records[RAW_DATA], path) if RAW_DATA in records else None
    if counts is None:
        raise UserError(f"{path}: its FLIR block holds no raw counts")
    if CAMERA_INFO not in records:
        return counts, None
    try:
        with reading(path, "FLIR camera record"):
            return counts, _calibration(records[CAMERA_INFO])
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None


def _joined(segments: list[bytes]) -> bytes:
    parts = {segment[6]: segment for segment in segments}
    last = segments[0][7]
    missing = [number for number in range(last + 1) if number not in parts]
    if missing:
        raise ValueError(f"segment {missing[0]} of {last + 1} is missing")
    return b"".join(parts[number][SEGMENT_HEADER:] for number in range(last + 1))


def _records(data: bytes) -> dict[int, bytes]:
    """Records by type. Type 0 is an empty entry."""
    if not data.startswith(FILE_STARTS):
        raise ValueError("it does not begin as an FFF file")
    # The version, 100 to 199, tells the byte order.
    order = ">" if 100 <= struct.unpack_from(">I", data, 20)[0] < 200 else "<"
    directory, count = struct.unpack_from(order + "II", data, 24)
    if count > MOST_RECORDS:
        raise ValueError(f"{count} records")
    found: dict[int, bytes] = {}
    for entry in range(directory, directory + count * DIRECTORY_ENTRY, DIRECTORY_ENTRY):
        (kind,) = struct.unpack_from(order + "H", data, entry)
        start, length = struct.unpack_from(order + "II", data, entry + 12)
        if kind and start + length <= len(data):
            found.setdefault(kind, data[start : start + length])
    return found


def _counts(record: bytes, path: Path) -> np.ndarray:
    order = _byte_order(record)
    width, height = struct.unpack_from(order + "HH", record, 2)
    check_size(path, width=width, height=height)
    pixels = record[RAW_HEADER:]
    if pixels.startswith(png.START):
        if png.size_of(pixels) != (width, height):
            raise ValueError("the PNG inside has another size")
        counts = decode(pixels)
        if counts.dtype != np.uint16 or counts.ndim != 2:
            raise ValueError("the PNG inside is not 16-bit grey")
        return counts.byteswap()  # FLIR writes its PNG little endian
    counts = np.frombuffer(pixels, order + "u2", count=width * height)
    return counts.astype(np.uint16).reshape(height, width)


def _calibration(record: bytes) -> Calibration:
    order = _byte_order(record)

    def floats(offset: int, count: int) -> tuple[float, ...]:
        return struct.unpack_from(f"{order}{count}f", record, offset)

    emissivity, distance, reflected, atmosphere, window, window_transmission = floats(0x20, 6)
    (humidity,) = floats(0x3C, 1)
    r1, b, f = floats(0x58, 3)
    air = AirAbsorption(*floats(0x70, 5))
    o, r2 = struct.unpack_from(order + "if", record, 0x308)
    transmission = air.transmission(distance=distance, humidity=humidity, kelvin=atmosphere)
    return ThroughAir(
        Planck.from_flir_tags(r1=r1, r2=r2, b=b, f=f, o=o),
        emissivity=emissivity,
        reflected=reflected,
        transmission=min(transmission, 1.0),
        atmosphere=atmosphere,
        window_transmission=window_transmission,
        window=window,
    )


def _byte_order(record: bytes) -> str:
    """In struct's letters. A record begins with a small number."""
    return "<" if struct.unpack_from("<H", record)[0] < 256 else ">"
