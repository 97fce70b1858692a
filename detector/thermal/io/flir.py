"""The raw counts, the calibration and the time inside a FLIR file: FFF records, by themselves or in a JPEG.

The layout is that of ExifTool's documentation of FLIR's tags (https://exiftool.org/TagNames/FLIR.html): an
FFF file holds records; one has the counts, one the camera's settings. A radiometric JPEG has it cut into APP1
segments.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detector.errors import UserError
from detector.structures import Calibration
from detector.thermal.io import jpegls, png
from detector.thermal.io.checks import check_size, reading
from detector.thermal.io.opencv import decode
from detector.thermal.radiometry import AirAbsorption, Planck, ThroughAir

SEGMENT_START = b"FLIR\0"
SEGMENT_HEADER = 8  # the start, a version, this segment's number and the last one's
FILE_STARTS = (b"FFF\0", b"AFF\0")
FILE_HEADER = 64
RAW_DATA, CAMERA_INFO = 1, 0x20
DIRECTORY_ENTRY = 32
MOST_RECORDS = 1000
RAW_HEADER = 32
MODEL, SERIAL, TIME = (0xD4, 32), (0x104, 16), 0x384


class Entry(NamedTuple):
    """Of a record in an FFF file: what it holds, where it begins and how many bytes it has."""

    kind: int
    start: int
    length: int


class Content(NamedTuple):
    """counts [H, W] uint16. calibration and time: where the file has the camera's settings."""

    counts: np.ndarray
    calibration: Calibration | None
    time: datetime | None


def content_of_segments(segments: Sequence[bytes], path: Path) -> Content:
    """Of the payloads of all APP1 segments that begin with SEGMENT_START. Raises UserError for damage."""
    with reading(path, "FLIR block"):
        data = _joined(segments)
    return content(data, path)


def content(data: bytes, path: Path) -> Content:
    """Of a whole FFF file. Raises UserError, naming `path`, for damage."""
    with reading(path, "FLIR block"):
        records = _records(data)
        counts = _counts(records[RAW_DATA], path) if RAW_DATA in records else None
    if counts is None:
        raise UserError(f"{path}: its FLIR block holds no raw counts")
    if CAMERA_INFO not in records:
        return Content(counts, None, None)
    settings = records[CAMERA_INFO]
    try:
        with reading(path, "FLIR camera record"):
            return Content(counts, _calibration(settings), _time(settings))
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None


def facts(data: bytes) -> dict[str, str]:
    """The camera's model and serial number, where a whole FFF file tells them."""
    record = _records(data).get(CAMERA_INFO, b"")
    told = {}
    for name, (start, length) in (("model", MODEL), ("serial", SERIAL)):
        text = record[start : start + length].split(b"\0")[0].decode("ascii", "replace").strip()
        if text and text.isprintable():
            told[name] = text
    return told


def directory(data: bytes) -> list[Entry]:
    """The records that an FFF file names, without empty entries; data: the file, or as much as has them.

    Raises ValueError or struct.error where this is none, or cut short within the directory.
    """
    start, count, order = directory_place(data)
    found = []
    for at in range(start, start + count * DIRECTORY_ENTRY, DIRECTORY_ENTRY):
        (kind,) = struct.unpack_from(order + "H", data, at)
        place, length = struct.unpack_from(order + "II", data, at + 12)
        if kind:
            found.append(Entry(kind, place, length))
    return found


def directory_place(header: bytes) -> tuple[int, int, str]:
    """Where the directory begins, how many entries it has, and the byte order, from the first 64 bytes."""
    if not header.startswith(FILE_STARTS):
        raise ValueError("it does not begin as an FFF file")
    # The version, 100 to 199, tells the byte order.
    order = ">" if 100 <= struct.unpack_from(">I", header, 20)[0] < 200 else "<"
    start, count = struct.unpack_from(order + "II", header, 24)
    if count > MOST_RECORDS:
        raise ValueError(f"{count} records")
    return start, count, order


def _joined(segments: Sequence[bytes]) -> bytes:
    parts = {segment[6]: segment for segment in segments}
    last = segments[0][7]
    missing = [number for number in range(last + 1) if number not in parts]
    if missing:
        raise ValueError(f"segment {missing[0]} of {last + 1} is missing")
    return b"".join(parts[number][SEGMENT_HEADER:] for number in range(last + 1))


def _records(data: bytes) -> dict[int, bytes]:
    """By kind; the first of each that lies within the data."""
    return {
        entry.kind: data[entry.start : entry.start + entry.length]
        for entry in reversed(directory(data))
        if entry.start + entry.length <= len(data)
    }


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
    if pixels.startswith(jpegls.START):
        return jpegls.decode(pixels, path, size=(width, height))
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


def _time(record: bytes) -> datetime | None:
    """When the frame was taken; None where the record ends before or the camera had no clock."""
    if len(record) < TIME + 10:
        return None
    seconds, milliseconds, west = struct.unpack_from(_byte_order(record) + "IIh", record, TIME)
    if not seconds or abs(west) >= 24 * 60:
        return None
    zone = timezone(timedelta(minutes=-west))
    moment = datetime.fromtimestamp(seconds, zone)
    return moment + timedelta(milliseconds=(milliseconds & 0xFFFF) % 1000)


def _byte_order(record: bytes) -> str:
    """In struct's letters. A record begins with a small number."""
    return "<" if struct.unpack_from("<H", record)[0] < 256 else ">"
