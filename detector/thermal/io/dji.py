"""The raw counts inside a DJI radiometric JPEG (R-JPEG).

The layout is that of ExifTool's documentation of DJI's tags (https://exiftool.org/TagNames/DJI.html) and of
files of each camera: APP3 segments, APP4 of the Zenmuse XT S, joined are the uint16 counts, row after row.
Nothing in the file says how wide, and how counts become kelvin only DJI's closed SDK knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from detector.thermal.io.jpeg import APP3, APP4

RASTERS = ((640, 512), (1280, 1024))
"""(width, height) of the cameras' detectors; the picture for the eye may be twice as wide."""
MAKER = "DJI"
LARGE = 2**15
"""Bytes in one segment that only counts need: the settings in APP4 have less."""
# How the settings of the cameras in APP4 begin, or what they have at 32.
SETTINGS = re.compile(
    rb"\xaa\x55\x12\x06|\xff\xd2\xd1\xff[a-z]irp|.{32}(?:.{32})?\x2c\x01\x20\0|.{32}\xaa\x55\x38\0", re.DOTALL
)
# What other programs keep in APP3.
OTHERS = re.compile(rb"M(?:eta|ETA)\0|Exif\0|Stim\0|_JPSJPS_|\xff\xd8\xff")


def raw_counts(
    segments: Sequence[tuple[int, bytes]], *, maker: str, size: tuple[int, int]
) -> np.ndarray | None:
    """[H, W] uint16 counts; None where the picture is none of DJI's radiometric ones.

    segments: (marker, payload) of the JPEG. maker: of its EXIF block. size: (width, height) of its picture.
    Raises ValueError where the counts should be there and are not whole.
    """
    joined = {
        marker: b"".join(
            payload for kind, payload in segments if kind == marker and not OTHERS.match(payload)
        )
        for marker in (APP3, APP4)
    }
    settings = SETTINGS.match(joined[APP4]) is not None
    ours = settings or maker == MAKER
    sizes = (*RASTERS, size, (size[0] // 2, size[1] // 2)) if ours else RASTERS
    for data in joined.values():
        for width, height in sizes:
            if data and len(data) == 2 * width * height:
                return np.frombuffer(data, "<u2").astype(np.uint16).reshape(height, width)
    if not ours:
        return None
    if joined[APP3] or settings or len(joined[APP4]) >= LARGE:
        found = len(joined[APP3] or (b"" if settings else joined[APP4]))
        known = " or ".join(f"{width}x{height}" for width, height in RASTERS)
        raise ValueError(f"its raw counts should be {known} of 2 bytes, found {found} bytes")
    return None
