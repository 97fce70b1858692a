"""Read single-channel thermal pictures without losing a count."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from detector.errors import UserError
from detector.structures import Frame

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG", b"IEND"


def read(path: Path | str) -> Frame:
    """The frame in an 8 or 16-bit PNG, TIFF or JPEG file; counts are exactly those stored.

    A file whose three channels are equal is grey and is reduced to one; `bit_depth` is the file's, 8 or 16.
    Raises UserError, naming the file, where it is missing, empty, cut short, not a picture, in colour, or of
    another number type.
    """
    path = Path(path)
    data = _bytes_of(path)
    counts = _decode(data)
    if counts is None:
        raise UserError(f"{path}: not a readable PNG, TIFF or JPEG picture ({len(data)} bytes)")
    if counts.dtype not in (np.uint8, np.uint16):
        raise UserError(f"{path}: pixels are {counts.dtype}; only 8 and 16-bit unsigned counts are read")
    return Frame(_one_channel(counts, path), 8 * counts.dtype.itemsize, str(path))


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such image file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not data:
        raise UserError(f"{path}: the image file is empty")
    # OpenCV fills the missing part of a short JPEG or PNG with grey and only prints a warning.
    # Inside a JPEG scan 0xFF is always escaped, so an end marker after the last scan's start is the real one.
    short_jpeg = data.startswith(JPEG_START) and data.rfind(JPEG_END) <= data.rfind(JPEG_SCAN)
    short_png = data.startswith(PNG_START) and PNG_END not in data[-64:]
    if short_jpeg or short_png:
        raise UserError(f"{path}: the image file is cut short ({len(data)} bytes); copy it again")
    return data


def _decode(data: bytes) -> np.ndarray | None:
    """The picture as stored, None where it is damaged; without OpenCV's own lines about the damage."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)


def _one_channel(counts: np.ndarray, path: Path) -> np.ndarray:
    """[H, W] of [H, W] or of [H, W, 3] with equal channels, contiguous."""
    if counts.ndim == 2:
        return np.ascontiguousarray(counts)
    grey = counts[..., 0]
    if counts.shape[2] != 3 or any(not np.array_equal(grey, counts[..., k]) for k in (1, 2)):
        raise UserError(
            f"{path}: a colour picture ({counts.shape[2]} channels); thermal frames have one channel "
            "(or three equal ones): export raw counts or a grey palette"
        )
    return np.ascontiguousarray(grey)
