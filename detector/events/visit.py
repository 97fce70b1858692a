"""One object's stay before the camera."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Visit:
    """All plain values, so that it can be a line of JSON.

    recording, track: which one it is. name: its class. start, end: ISO times, None where frames tell none;
    first, last: seconds since the recording began. sightings: frames it was found in. score: the best one.
    path: [seconds, x, y] of its centre, in shares of the frame, thinned. kelvin: the highest temperature in
    its boxes; kelvin_near: that of its largest box, when it was nearest; None without calibration.
    zones: seconds in each zone it was in. lines: how often it crossed each, forward less back, of those that
    it crossed. alarms: rules that it set off. picture: file of its best picture, None where there is none.
    """

    recording: str
    track: int
    name: str
    start: str | None
    end: str | None
    first: float
    last: float
    sightings: int
    score: float
    path: list[list[float]]
    kelvin: float | None
    kelvin_near: float | None
    zones: dict[str, float]
    lines: dict[str, int]
    alarms: list[str]
    picture: str | None = None

    @property
    def key(self) -> tuple[str, int, float]:
        """What no other visit has."""
        return self.recording, self.track, self.first

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.last - self.first

    @property
    def began(self) -> datetime | None:
        """When it started, by the clock of this machine; a time without a zone is as the camera told it."""
        if self.start is None:
            return None
        told = datetime.fromisoformat(self.start)
        return told if told.tzinfo is None else told.astimezone()

    @property
    def night(self) -> str | None:
        """The date on which its night began: nights are from noon to noon. None without time."""
        return None if self.began is None else (self.began - timedelta(hours=12)).date().isoformat()

    def plain(self) -> dict[str, Any]:
        """As a dict of plain values; Visit(**it) is the visit again."""
        return asdict(self)
