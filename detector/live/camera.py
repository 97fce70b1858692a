"""Cameras and network streams, through OpenCV."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Event

import cv2
import numpy as np

from detector.errors import UserError
from detector.live.source import Lost, redacted
from detector.structures import Frame
from detector.thermal.io.checks import MAX_PIXELS, depth_of
from detector.thermal.io.colour import one_channel

# Read by OpenCV when it opens its first stream; without it FFmpeg prints its remarks, addresses and all.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

PATIENCE_MS = 10_000
"""Of a network stream that does not open, or gives nothing."""
Y16 = cv2.VideoWriter.fourcc(*"Y16 ")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera by its index, or a stream by its address (rtsp, rtsps, http, https).

    y16: ask the camera for raw 16-bit counts, which V4L2 calls Y16, rather than for a picture. colour: how
    pictures in false colours are read, as io.How has it.
    """

    place: int | str
    y16: bool
    colour: str

    @property
    def name(self) -> str:
        return f"camera {self.place}" if isinstance(self.place, int) else redacted(self.place)

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """Raises Lost where it cannot be opened or gives no more, UserError for what is no counts."""
        capture = self._opened()
        try:
            while not stop.is_set():
                done, picture = capture.read()
                if not done:
                    raise Lost(f"{self.name}: gives no more frames")
                counts = self._counts(picture)
                yield Frame(counts, depth_of(counts), self.name, time=datetime.now(timezone.utc))
        finally:
            capture.release()

    def _opened(self) -> cv2.VideoCapture:
        if isinstance(self.place, int):
            capture = cv2.VideoCapture(self.place)
            if self.y16:
                capture.set(cv2.CAP_PROP_FOURCC, Y16)
                capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        else:
            limits = (
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                PATIENCE_MS,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                PATIENCE_MS,
            )
            capture = cv2.VideoCapture(self.place, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise Lost(f"{self.name}: cannot be opened")
        return capture

    def _counts(self, picture: np.ndarray) -> np.ndarray:
        if picture.size > 4 * MAX_PIXELS:
            raise UserError(
                f"{self.name}: frames of {picture.shape[1]}x{picture.shape[0]} pixels are too large"
            )
        if self.y16 and (picture.dtype != np.uint16 or picture.ndim != 2):
            raise UserError(f"{self.name}: y16=true, but it gives no 16-bit counts; leave y16 out")
        return one_channel(picture, self.name, colour=self.colour)
