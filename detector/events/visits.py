"""From followed objects to visits, one recording at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detector.errors import UserError
from detector.events.alarms import Alarm
from detector.events.places import Line, Point, Zone
from detector.events.visit import Visit
from detector.inference.prediction import Prediction

Portrait = Callable[[Prediction, int], np.ndarray]
"""Gives a picture [h, w, 3] uint8 of the object with that index in a prediction."""

Rang = Callable[[str, Visit], None]
"""Is told of an alarm when it is set off: its name, and the visit so far."""

MOST_POINTS = 200
"""Of a path: beyond it every second point is dropped."""

_BETTER = 1.1
"""By what factor a view must be better than the one before to be pictured anew."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is noted of an object.

    shortest: seconds that a visit lasts at least; shorter ones are no visits. gap: seconds after which an
    object that is not seen has left; no less than the tracker waits. Raises UserError for an alarm in a zone
    that does not exist.
    """

    shortest: float
    gap: float
    zones: tuple[Zone, ...]
    lines: tuple[Line, ...]
    alarms: tuple[Alarm, ...]

    def __post_init__(self) -> None:
        names = [zone.name for zone in self.zones]
        for alarm in self.alarms:
            if alarm.zone is not None and alarm.zone not in names:
                known = ", ".join(names) or "events.zones, which has none"
                raise UserError(f"events.alarms.{alarm.name}.zone={alarm.zone}: must be one of {known}")


class Finished(NamedTuple):
    """A visit that is over, and its best picture [h, w, 3] uint8."""

    visit: Visit
    picture: np.ndarray


class Visits:
    """Takes the predictions of one recording; gives each visit as soon as it is over."""

    def __init__(self, recording: str, rules: Rules, *, portrait: Portrait, rang: Rang) -> None:
        self.recording = recording
        self.rules = rules
        self.portrait = portrait
        self.rang = rang
        self._open: dict[int, _Stay] = {}

    def add(self, prediction: Prediction, *, seconds: float) -> Iterator[Finished]:
        """The next frame, so long after the first; what is over by then."""
        for index, track in enumerate(prediction.tracks):
            if track is None:
                continue
            if track not in self._open:
                self._open[track] = _Stay(self.recording, track, self.rules)
            stay = self._open[track]
            if stay.see(prediction, index, seconds=seconds):
                stay.picture = self.portrait(prediction, index)
            for alarm in stay.ringing():
                self.rang(alarm, stay.visit())
        yield from self._over(before=seconds - self.rules.gap)

    def end(self) -> Iterator[Finished]:
        """The recording has ended, and with it what was going on."""
        yield from self._over(before=float("inf"))

    def _over(self, *, before: float) -> Iterator[Finished]:
        for track, stay in list(self._open.items()):
            if stay.last < before:
                del self._open[track]
                if stay.last - stay.first >= self.rules.shortest:
                    yield Finished(stay.visit(), stay.picture)


class _Stay:
    """An object that is, or was just now, before the camera."""

    def __init__(self, recording: str, track: int, rules: Rules) -> None:
        self.recording, self.track, self.rules = recording, track, rules
        self.name = ""
        self.start: str | None = None
        self.end: str | None = None
        self.first = self.last = float("nan")
        self.sightings = 0
        self.score = 0.0
        self.path: list[tuple[float, Point]] = []
        self.at: Point | None = None
        self.step = 1
        self.kelvin: float | None = None
        self.near: tuple[float, float | None] = (0.0, None)
        self.view = 0.0
        self.picture = np.zeros((0, 0, 3), np.uint8)
        self.zones: dict[str, float] = {}
        self.lines: dict[str, int] = {}
        self.alarms: list[str] = []

    def see(self, prediction: Prediction, index: int, *, seconds: float) -> bool:
        """Note a sighting; whether it is a better view than that of the picture."""
        frame, box = prediction.frame, prediction.boxes[index].tolist()
        time = None if frame.time is None else frame.time.isoformat()
        if not self.sightings:
            self.first, self.start = seconds, time
        passed = 0.0 if not self.sightings else seconds - self.last
        self._go(
            ((box[0] + box[2]) / 2 / frame.size[1], (box[1] + box[3]) / 2 / frame.size[0]), seconds, passed
        )
        self.last, self.end = seconds, time
        self.name = prediction.names[index]
        score = float(prediction.scores[index])
        self.score = max(self.score, score)
        area = (box[2] - box[0]) * (box[3] - box[1])
        heat = prediction.temperatures[index]
        if heat is not None:
            self.kelvin = heat.high if self.kelvin is None else max(self.kelvin, heat.high)
        if area > self.near[0]:
            self.near = (area, None if heat is None else heat.high)
        self.sightings += 1
        if score * area <= self.view * _BETTER:
            return False
        self.view = score * area
        return True

    def _go(self, point: Point, seconds: float, passed: float) -> None:
        """To the next place; where it has been since the place before counts for the zone it is in now."""
        for zone in self.rules.zones:
            if zone.holds(point):
                self.zones[zone.name] = self.zones.get(zone.name, 0.0) + passed
        for line in self.rules.lines:
            step = 0 if self.at is None else line.crossed(self.at, point)
            if step:
                self.lines[line.name] = self.lines.get(line.name, 0) + step
        self.at = point
        if self.sightings % self.step == 0:
            self.path.append((seconds, point))
        if len(self.path) > MOST_POINTS:
            self.path, self.step = self.path[::2], 2 * self.step

    def ringing(self) -> Iterator[str]:
        """The alarms that it has just set off."""
        for alarm in self.rules.alarms:
            if alarm.name not in self.alarms and alarm.rings(
                name=self.name, seconds=self.last - self.first, kelvin=self.kelvin, zones=self.zones
            ):
                self.alarms.append(alarm.name)
                yield alarm.name

    def visit(self) -> Visit:
        """What it is so far."""
        return Visit(
            recording=self.recording,
            track=self.track,
            name=self.name,
            start=self.start,
            end=self.end,
            first=round(self.first, 3),
            last=round(self.last, 3),
            sightings=self.sightings,
            score=round(self.score, 4),
            path=[[round(value, 4) for value in (seconds, *point)] for seconds, point in self.path],
            kelvin=_rounded(self.kelvin),
            kelvin_near=_rounded(self.near[1]),
            zones={name: round(value, 3) for name, value in self.zones.items()},
            lines={name: count for name, count in self.lines.items() if count},
            alarms=list(self.alarms),
        )


def _rounded(kelvin: float | None) -> float | None:
    return None if kelvin is None else round(kelvin, 2)
