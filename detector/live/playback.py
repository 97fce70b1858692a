"""A recording as if a camera took it now."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from threading import Event

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io


@dataclass(frozen=True)
class Playback:
    """A recording over and over, at `fps` frames a second."""

    recording: io.Recording
    fps: float

    @property
    def name(self) -> str:
        return self.recording.name

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """Raises UserError as the recording does, and where it holds no frame."""
        due = time.monotonic()
        while True:
            none = True
            for frame in self.recording:
                none = False
                if stop.wait(max(0.0, due - time.monotonic())):
                    return
                due = max(due + 1 / self.fps, time.monotonic())
                yield frame
            if none:
                raise UserError(f"{self.name}: holds no frame")
