"""What a live source is."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol

from detector.structures import Calibration, Frame

Tell = Callable[[str], None]
"""Takes a line for the log."""

URL = re.compile(r"(?:rtsps?|https?)://", re.IGNORECASE)


class Lost(Exception):
    """The connection is gone or could not be made; a new one may succeed. The message says what failed."""


class Source(Protocol):
    """Frames that come at their own time."""

    @property
    def name(self) -> str:
        """For messages and the page; holds no password."""
        ...

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """One connection: frames as they come, until `stop` is set or the source is at its end.

        Raises Lost where it is worth another try, UserError where it is not.
        """
        ...


@dataclass(frozen=True)
class Calibrated:
    """A source; its frames that bring no calibration get this one."""

    source: Source
    calibration: Calibration

    @property
    def name(self) -> str:
        return self.source.name

    def frames(self, stop: Event) -> Generator[Frame, None, None]:
        """Raises as the source does."""
        with closing(self.source.frames(stop)) as frames:
            for frame in frames:
                yield frame if frame.calibration else replace(frame, calibration=self.calibration)


def redacted(url: str) -> str:
    """The address without user, password and query, which may hold a key."""
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])
