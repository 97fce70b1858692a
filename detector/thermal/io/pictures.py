"""PNG, JPEG, BMP and PGM files, through OpenCV."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from detector.structures import Frame
from detector.thermal.io import flir, jpeg, png
from detector.thermal.io.checks import as_counts, check_size, depth_of, reading
from detector.thermal.io.colour import one_channel
from detector.thermal.io.exif import EXIF_START, orientation_of_exif, taken_at_of_exif, turned
from detector.thermal.io.opencv import decode
from detector.thermal.io.recording import Recording

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
BMP_START = b"BM"
# Width, height and the largest count, parted by blanks and comments; one blank before the pixels.
PGM_HEADER = re.compile(rb"P5" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})" + rb"\s")


def open_picture(path: Path, *, colour: str) -> Recording:
    """The one frame of a PNG, JPEG, BMP or PGM file; colour as in `one_channel`."""
    return Recording(path.stem, partial(_frames, path, colour), length=1)


def _frames(path: Path, colour: str) -> Iterator[Frame]:
    """Its counts exactly as stored, turned as EXIF says; of a FLIR radiometric JPEG the raw counts."""
    with reading(path, "image file"):
        data = path.read_bytes()
    jpeg_file = data.startswith(JPEG_START)
    yield _read_jpeg(data, path, colour) if jpeg_file else _read_other(data, path, colour)


def _read_jpeg(data: bytes, path: Path, colour: str) -> Frame:
    # OpenCV fills the missing part of a short file with grey.
    # Inside a JPEG scan 0xFF is always escaped, so an end marker after the last scan's start is the real one.
    with reading(path, "image file"):
        if data.rfind(JPEG_END) <= data.rfind(JPEG_SCAN):
            raise EOFError(f"{len(data)} bytes")
        size = jpeg.size_of(data)
        extra = [payload for marker, payload in jpeg.segments(data) if marker == jpeg.APP1]
    exif = next((block for block in extra if block.startswith(EXIF_START)), None)
    time, orientation = None, 1
    if exif is not None:
        time = taken_at_of_exif(exif[len(EXIF_START) :], path)
        orientation = orientation_of_exif(exif[len(EXIF_START) :], path)
    radiometric = [block for block in extra if block.startswith(flir.SEGMENT_START)]
    if radiometric:
        counts, calibration = flir.raw_counts(radiometric, path)
    else:
        counts, calibration = one_channel(_pixels(data, path, size=size), path, colour=colour), None
    counts = turned(counts, orientation)
    bits = depth_of(counts)
    return Frame(counts, bits, str(path), time=time, calibration=calibration, orientation=orientation)


def _read_other(data: bytes, path: Path, colour: str) -> Frame:
    declared = palette = None
    with reading(path, "image file"):
        if data.startswith(png.START):
            width, height = png.size_of(data)
            palette = png.palette_of(data)
        elif data.startswith(BMP_START):
            width, height = struct.unpack_from("<ii", data, 18)
            height = abs(height)  # below 0 where the rows are stored top down
        else:
            width, height, declared = _pgm_header(data)
    pixels = _pixels(data, path, size=(width, height))
    counts = one_channel(pixels, path, colour=colour, embedded=palette)
    return Frame(counts, depth_of(counts, declared), str(path))


def _pixels(data: bytes, path: Path, *, size: tuple[int, int]) -> np.ndarray:
    check_size(path, width=size[0], height=size[1])
    with reading(path, "image file"):
        pixels = decode(data)
    return as_counts(pixels, path)


def _pgm_header(data: bytes) -> tuple[int, int, int]:
    """(width, height, largest count). OpenCV reads a short PGM as if the missing rows were there."""
    match = PGM_HEADER.match(data)
    if match is None:
        raise ValueError("its header is not that of a binary PGM")
    width, height, largest = map(int, match.groups())
    if len(data) - match.end() < width * height * (1 if largest < 256 else 2):
        raise EOFError(f"{len(data)} bytes")
    return width, height, largest
