"""One object's stay before the camera."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

PICTURES = "pictures"
"""The folder of a journal in which pictures of visits lie."""


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
        """As a dict of plain values, which `read` takes."""
        return asdict(self)

    @classmethod
    def read(cls, entry: object) -> Visit:
        """The visit of such a dict, from a file that anybody may have written.

        Raises ValueError where something is missing, of another kind, or a picture that is none of a journal.
        """
        if not isinstance(entry, dict) or set(entry) != set(_KINDS):
            raise ValueError(f"must have {', '.join(_KINDS)}")
        for name, kinds in _KINDS.items():
            if not isinstance(entry[name], kinds) or isinstance(entry[name], bool):
                raise ValueError(f"{name}={entry[name]!r}")
        visit = cls(**entry)
        for time in filter(None, (visit.start, visit.end)):
            datetime.fromisoformat(time)
        for value in (*visit.zones.values(), *visit.lines.values()):
            if not isinstance(value, (int, float)):
                raise ValueError(f"zones={visit.zones}, lines={visit.lines}")
        if visit.picture is not None and not re.fullmatch(rf"{PICTURES}/\d+\.jpg", visit.picture):
            raise ValueError(f"picture={visit.picture!r}")
        return visit


_NONE, _NUMBER = type(None), (int, float)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "recording": (str,),
    "track": (int,),
    "name": (str,),
    "start": (str, _NONE),
    "end": (str, _NONE),
    "first": _NUMBER,
    "last": _NUMBER,
    "sightings": (int,),
    "score": _NUMBER,
    "path": (list,),
    "kelvin": (*_NUMBER, _NONE),
    "kelvin_near": (*_NUMBER, _NONE),
    "zones": (dict,),
    "lines": (dict,),
    "alarms": (list,),
    "picture": (str, _NONE),
}
"""What each value of a stored visit may be."""
