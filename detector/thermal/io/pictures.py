"""PNG, JPEG, BMP and PGM files, through OpenCV; the raw counts in radiometric JPEGs."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io import dji, flir, jpeg, png
from detector.thermal.io.checks import as_counts, check_size, depth_of, reading
from detector.thermal.io.colour import one_channel
from detector.thermal.io.exif import (
    EXIF_START,
    maker_of_exif,
    orientation_of_exif,
    taken_at_of_exif,
    turned,
)
from detector.thermal.io.opencv import decode
from detector.thermal.io.recording import Recording

JPEG_START = b"\xff\xd8"
BMP_START = b"BM"
INFIRAY_START = b"IJPEG\0"
# Width, height and the largest count, parted by blanks and comments; one blank before the pixels.
PGM_HEADER = re.compile(rb"P([25])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})" + rb"\s")
ASCII = b"2"
COMMENT = re.compile(rb"#[^\n]*")


def open_picture(path: Path, *, colour: str) -> Recording:
    """The one frame of a PNG, JPEG, BMP or PGM file; colour as in `one_channel`."""
    return Recording(path.stem, partial(_frames, path, colour), length=1)


def _frames(path: Path, colour: str) -> Iterator[Frame]:
    """Its counts exactly as stored, turned as EXIF says; of a radiometric JPEG the raw counts."""
    with reading(path, "image file"):
        data = path.read_bytes()
    jpeg_file = data.startswith(JPEG_START)
    yield _read_jpeg(data, path, colour) if jpeg_file else _read_other(data, path, colour)


def _read_jpeg(data: bytes, path: Path, colour: str) -> Frame:
    with reading(path, "image file"):
        size = jpeg.size_of(data)
        segments = list(jpeg.segments(data))
    time, orientation, maker = None, 1, ""
    exif = next(
        (block for kind, block in segments if kind == jpeg.APP1 and block.startswith(EXIF_START)), None
    )
    if exif is not None:
        block = exif[len(EXIF_START) :]
        time = taken_at_of_exif(block, path)
        orientation = orientation_of_exif(block, path)
        maker = maker_of_exif(block, path)
    raw = _radiometric(segments, path, maker=maker, size=size)
    if raw is None:
        with reading(path, "image file"):
            if not jpeg.is_whole(data):  # OpenCV would fill the missing part with grey
                raise EOFError(f"{len(data)} bytes")
        raw = flir.Content(one_channel(_pixels(data, path, size=size), path, colour=colour), None, None)
    counts = turned(raw.counts, orientation)
    return Frame(
        counts,
        depth_of(counts),
        str(path),
        time=time or raw.time,
        calibration=raw.calibration,
        orientation=orientation,
    )


def _radiometric(
    segments: list[tuple[int, bytes]], path: Path, *, maker: str, size: tuple[int, int]
) -> flir.Content | None:
    """The raw counts that the camera put beside the picture for the eye; None where there are none.

    Raises UserError where they are there and cannot be read: the picture is never taken instead.
    """
    blocks = [block for kind, block in segments if kind == jpeg.APP1 and block.startswith(flir.SEGMENT_START)]
    if blocks:
        return flir.content_of_segments(blocks, path)
    if any(kind == jpeg.APP2 and block[4:].startswith(INFIRAY_START) for kind, block in segments):
        raise UserError(
            f"{path}: an InfiRay radiometric JPEG, whose counts are not read here; save its temperatures as "
            "CSV or TIFF with the camera's program"
        )
    with reading(path, "DJI block"):
        counts = dji.raw_counts(segments, maker=maker, size=size)
    return None if counts is None else flir.Content(counts, None, None)


def _read_other(data: bytes, path: Path, colour: str) -> Frame:
    declared = palette = exif = None
    with reading(path, "image file"):
        if data.startswith(png.START):
            width, height = png.size_of(data)
            palette, exif = png.palette_of(data), png.exif_of(data)
        elif data.startswith(BMP_START):
            width, height = struct.unpack_from("<ii", data, 18)
            height = abs(height)  # below 0 where the rows are stored top down
        else:
            header = _pgm_header(data)
            width, height, declared = map(int, header.groups()[1:])
            if header[1] == ASCII:
                counts = _ascii_counts(data[header.end() :], path, size=(width, height), largest=declared)
                return Frame(counts, depth_of(counts, declared), str(path))
    pixels = _pixels(data, path, size=(width, height))
    orientation = 1 if exif is None else orientation_of_exif(exif, path)
    counts = turned(one_channel(pixels, path, colour=colour, embedded=palette), orientation)
    return Frame(counts, depth_of(counts, declared), str(path), orientation=orientation)


def _pixels(data: bytes, path: Path, *, size: tuple[int, int]) -> np.ndarray:
    check_size(path, width=size[0], height=size[1])
    with reading(path, "image file"):
        pixels = decode(data)
    return as_counts(pixels, path)


def _pgm_header(data: bytes) -> re.Match[bytes]:
    """Kind, width, height, largest count. OpenCV reads a short PGM as if the missing rows were there."""
    match = PGM_HEADER.match(data)
    if match is None:
        raise ValueError("its header is not that of a PGM")
    kind, *numbers = match.groups()
    width, height, largest = map(int, numbers)
    least = 2 * width * height - 1 if kind == ASCII else width * height * (1 if largest < 256 else 2)
    if len(data) - match.end() < least:
        raise EOFError(f"{len(data)} bytes")
    return match


def _ascii_counts(text: bytes, path: Path, *, size: tuple[int, int], largest: int) -> np.ndarray:
    """[H, W] of decimal numbers parted by blanks; a line may end in a comment."""
    width, height = size
    check_size(path, width=width, height=height)
    # A number at a time would cost a Python object each.
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # how NumPy tells that the text ends, or is none
        counts = np.fromstring(COMMENT.sub(b" ", text), np.int64, count=width * height, sep=" ")
    if counts.size != width * height or counts.min() < 0 or counts.max() > min(largest, 65535):
        raise ValueError(f"it should hold {width * height} numbers from 0 to {largest}")
    return counts.astype(np.uint8 if largest < 256 else np.uint16).reshape(height, width)
