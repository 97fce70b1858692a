"""The chunks of a PNG file, checked before OpenCV reserves whatever a damaged one claims; palette, EXIF."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

START = b"\x89PNG\r\n\x1a\n"
DEFLATE_RATIO = 1032  # the most that deflate, which packs the pixels, can save (zlib's technical notes)
EXIF, PIXELS = b"eXIf", b"IDAT"
_INDEXED = 3  # the colour type of pixels that are indices into a palette


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height). Raises EOFError where a chunk is missing or cut short, ValueError for other damage."""
    for _ in _chunks(data):
        pass
    width, height = struct.unpack_from(">II", data, 16)
    if width * height > 8 * DEFLATE_RATIO * len(data):
        raise ValueError(f"{len(data)} bytes cannot hold {width}x{height} pixels")
    return width, height


def palette_of(data: bytes) -> np.ndarray | None:
    """The colour table [n, 3] uint8 RGB of a file of indices into one, else None. Raises as `size_of`."""
    for kind, content in _chunks(data):
        if kind == b"PLTE" and data[25] == _INDEXED:
            return np.frombuffer(content[: len(content) // 3 * 3], np.uint8).reshape(-1, 3)
    return None


def exif_of(data: bytes) -> bytes | None:
    """The EXIF block that stands before the pixels, if any. Raises as `size_of`."""
    for kind, content in _chunks(data):
        if kind == PIXELS:
            break
        if kind == EXIF:
            return content
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each, its checksum right, up to the last."""
    at, kind = len(START), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise EOFError(f"{len(data)} bytes")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise EOFError(f"{len(data)} bytes")
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise ValueError(f"chunk {kind!r} does not match its checksum")
        yield kind, data[at + 8 : end - 4]
        at = end
