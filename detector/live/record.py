"""Raw counts kept on disk as they come."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import cv2

from detector.files import write_quickly
from detector.live.source import Tell
from detector.structures import Frame


class Recorder:
    """Writes each frame as a PNG of its counts, FOLDER/DATE_HOUR/DATE_TIME_NUMBER.png in UTC, or none of it.

    A frame that cannot be written (the disk is full) is counted, the first of them told, and the camera goes
    on. written, failed: how many frames.
    """

    def __init__(self, folder: Path, *, tell: Tell) -> None:
        self.folder, self.tell = folder, tell
        self.written = self.failed = 0

    def __call__(self, frame: Frame) -> None:
        now = datetime.now(timezone.utc)
        place = self.folder / f"{now:%Y%m%d_%H}"
        file = place / f"{now:%Y%m%d_%H%M%S_%f}_{self.written}.png"
        try:
            place.mkdir(parents=True, exist_ok=True)
            # Fast rather than small: it must keep up with the camera.
            _, encoded = cv2.imencode(".png", frame.counts, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            write_quickly(file, encoded.tobytes())
        except OSError as error:
            self.failed += 1
            if self.failed == 1:
                self.tell(f"record={self.folder}: cannot be written: {error.strerror}; going on without")
            return
        self.written += 1
