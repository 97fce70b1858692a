"""The chunks of a PNG file, checked before OpenCV reserves whatever a damaged one claims."""

from __future__ import annotations

import struct
import zlib

START = b"\x89PNG\r\n\x1a\n"
DEFLATE_RATIO = 1032  # the most that deflate, which packs the pixels, can save (zlib's technical notes)


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height). Raises EOFError where a chunk is missing or cut short, ValueError for other damage."""
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
        at = end
    width, height = struct.unpack_from(">II", data, 16)
    if width * height > 8 * DEFLATE_RATIO * len(data):
        raise ValueError(f"{len(data)} bytes cannot hold {width}x{height} pixels")
    return width, height
