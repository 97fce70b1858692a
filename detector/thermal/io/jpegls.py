"""JPEG-LS (ITU T.87), in which FLIR packs the frames of .csq files, through the package pyjpegls."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from detector.errors import UserError
from detector.thermal.io.jpeg import segments

START = b"\xff\xd8\xff\xf7"  # the frame header comes first
FRAME_HEADER = 0xF7


def decode(data: bytes, path: Path, *, size: tuple[int, int]) -> np.ndarray:
    """[H, W] uint16. size: the (width, height) expected, told before anything is allocated.

    Raises UserError where the package is missing, ValueError where the picture is another or damaged.
    """
    header = next((payload for marker, payload in segments(data) if marker == FRAME_HEADER), b"")
    bits, height, width, channels = struct.unpack_from(">BHHB", header)
    if (width, height) != size or channels != 1 or not 8 < bits <= 16:
        raise ValueError(f"the JPEG-LS inside is {width}x{height} of {channels} x {bits} bits")
    try:
        import jpeg_ls
    except ImportError:
        raise UserError(
            f"{path}: its frames are packed with JPEG-LS, which needs the package pyjpegls: pip install "
            "pyjpegls; or save it as .seq or .fff with the camera's program"
        ) from None
    counts = jpeg_ls.decode(np.frombuffer(data, np.uint8))
    if counts.dtype != np.uint16 or counts.shape != (height, width):
        raise ValueError("the JPEG-LS inside is not 16-bit grey")
    return counts
