"""Ordinary video files, through OpenCV and its FFmpeg."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.checks import check_size, depth_of, reading
from detector.thermal.io.colour import one_channel
from detector.thermal.io.opencv import quiet
from detector.thermal.io.recording import Recording

# Read by OpenCV when it opens its first video; without it FFmpeg prints its remarks on stderr.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# FFmpeg's names (libavcodec/raw.c) of what OpenCV hands on whole: 16-bit grey, and 8-bit grey, YUV and RGB.
# Anything else, 10-bit video above all, it would reduce to 8 bits.
GREY_16 = b"Y1\x00\x10"
EIGHT_BITS = frozenset(
    b"Y800 Y8 I420 IYUV YV12 YUV9 YVU9 Y41B Y42B P422 YV16 444P 440P NV12 NV21 YUY2 YUYV UYVY YVYU "
    b"RGBA BGRA ARGB ABGR RGB\x18 BGR\x18 RGB\x00 BGR\x00 G3\x00\x08 PAL\x08".split(b" ")
)


def open_video(path: Path, *, colour: str) -> Recording:
    """Frames as a player shows them, in 8 bits, or the counts of 16-bit grey (FFV1). No times, no length.

    Containers count their frames only roughly, so the length stays unknown; a film that is cut short ends
    early. colour as in `one_channel`. Raises UserError where it cannot be opened or has more than 8 bits and
    is not 16-bit grey.
    """
    with reading(path, "video"), _capture(path) as (capture, _):
        fps = capture.get(cv2.CAP_PROP_FPS)
    return Recording(path.stem, partial(_frames, path, colour), fps=fps if 0 < fps < 100_000 else None)


def _frames(path: Path, colour: str) -> Iterator[Frame]:
    with reading(path, "video"), _capture(path) as (capture, deep):
        number = 0
        while True:
            with quiet():
                done, picture = capture.read()
            if not done:
                break
            name = f"{path} frame {number}"
            counts = _deep(picture, path) if deep else one_channel(picture, path, colour=colour)
            yield Frame(counts, depth_of(counts), name, sequence=path.stem)
            number += 1
        if number == 0:
            raise UserError(f"{path}: the video holds no frame that can be decoded")


@contextmanager
def _capture(path: Path) -> Iterator[tuple[cv2.VideoCapture, bool]]:
    """An open video, and whether its frames come as 16-bit grey."""
    with path.open("rb"):  # OpenCV does not say why it cannot open a file
        pass
    with quiet():
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise UserError(f"{path}: not a readable video (or a coding this OpenCV lacks)")
        width, height = (
            int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        check_size(path, width=width, height=height)
        form = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)).to_bytes(4, "little", signed=True)
        deep = form == GREY_16
        if not deep and form.rstrip(b" \x00") not in EIGHT_BITS and form not in EIGHT_BITS:
            raise UserError(
                f"{path}: video of pixel format {form!r} would be reduced to 8 bits; convert it with "
                "ffmpeg -i IN -pix_fmt gray16le -c:v ffv1 OUT.mkv (or gray, where it has 8 bits)"
            )
        if deep:
            with quiet():
                capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        yield capture, deep
    finally:
        capture.release()


def _deep(picture: np.ndarray, path: Path) -> np.ndarray:
    if picture.dtype != np.uint16 or picture.ndim != 2:
        raise UserError(f"{path}: this OpenCV reduces 16-bit video to 8 bits; save the frames as TIFF or PNG")
    return picture
