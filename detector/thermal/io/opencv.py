"""OpenCV's picture decoder without lines on stderr that name no file."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

# libjpeg and libpng write these to the process's stderr, past OpenCV's own log. The harmless ones leave every
# pixel whole; the others mean that part of the picture is missing or made up.
HARMLESS = (
    b"Corrupt JPEG data: bad ICC",
    b"Invalid SOS parameters",
    b"Unknown Adobe",
    b"Warning: unknown JFIF",
    b"libpng warning",
)
DAMAGE = (b"Corrupt JPEG data", b"Premature end of JPEG", b"Inconsistent progression", b"libpng error")
_one_at_a_time = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """OpenCV's own log is off inside, which one thread at a time can be."""
    with _one_at_a_time:
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            cv2.utils.logging.setLogLevel(level)


def decode(data: bytes) -> np.ndarray:
    """The picture in the bytes of a file, as stored: [H, W] or [H, W, C], any number type.

    Raises ValueError where the bytes cannot be decoded, and where a JPEG is decoded with errors: what comes
    out then is partly grey.
    """
    with quiet(), _stderr_kept() as lines:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    damage = [line.decode(errors="replace") for line in lines if not line.startswith(HARMLESS)]
    if pixels is None or damage:
        raise ValueError(damage[0] if damage else "OpenCV cannot decode it")
    return pixels


@contextmanager
def _stderr_kept() -> Iterator[list[bytes]]:
    """What the image libraries write to stderr inside, filled in at the end; all else is passed on."""
    lines: list[bytes] = []
    try:
        stderr = os.dup(2)
    except OSError:  # a process without stderr has nothing to keep clean
        yield lines
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            file.seek(0)
            for line in file:
                if line.startswith(DAMAGE + HARMLESS):
                    lines.append(line.strip())
                else:
                    os.write(2, line)
