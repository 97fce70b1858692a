"""The segments of a JPEG file: its size, its EXIF block, what a camera's maker added."""

from __future__ import annotations

import struct
from collections.abc import Iterator

APP1, APP2, APP3, APP4 = 0xE1, 0xE2, 0xE3, 0xE4
START_OF_SCAN = 0xDA
END = b"\xff\xd9"
# SOF0 to SOF15 but for the three codes among them that mean something else.
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of every segment up to the first scan. Ends early where the bytes are no JPEG."""
    for _, marker, payload in _placed(data):
        yield marker, payload


def is_whole(data: bytes) -> bool:
    """Whether the end follows the first scan, in which no end can stand: there 0xFF is always escaped.

    Cameras put other things behind the end, and small pictures with ends of their own before the scan.
    """
    return any(marker == START_OF_SCAN and data.find(END, at) >= 0 for at, marker, _ in _placed(data))


def _placed(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(where its payload begins, marker, payload) of every segment up to the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield at + 4, marker, data[at + 4 : at + 2 + length]
        if marker == START_OF_SCAN or length < 2:
            return
        at += 2 + length


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height). Raises ValueError where there is no frame header."""
    for marker, payload in segments(data):
        if marker in FRAME_HEADERS and len(payload) >= 5:
            height, width = struct.unpack_from(">HH", payload, 1)
            return width, height
    raise ValueError("no JPEG frame header")
