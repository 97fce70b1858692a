"""Raw counts from a pipe: whatever program reads the camera writes them to our standard input."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Event
from typing import IO

import numpy as np

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.arrays import RAW_COUNTS
from detector.thermal.io.checks import MAX_PIXELS


@dataclass(frozen=True)
class RawStream:
    """Frames of 16-bit little-endian counts one after another; shape: (height, width).

    Raises UserError for a shape that no frame has.
    """

    stream: IO[bytes]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or self.shape[0] * self.shape[1] > MAX_PIXELS:
            raise UserError(
                f"raw_shape={list(self.shape)}: must be [height, width], of 1 to {MAX_PIXELS} pixels"
            )

    @property
    def name(self) -> str:
        return "standard input"

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """To the end of the stream. Raises UserError where it ends within a frame."""
        size = self.shape[0] * self.shape[1] * RAW_COUNTS.itemsize
        while not stop.is_set() and (data := self.stream.read(size)):
            if len(data) < size:
                raise UserError(
                    f"{self.name}: ends with {len(data)} bytes of a frame of {size}; is raw_shape right?"
                )
            counts = np.frombuffer(data, RAW_COUNTS).reshape(self.shape).astype(np.uint16)
            yield Frame(counts, 16, self.name, time=datetime.now(timezone.utc))
