"""Visits of tracks by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from detector.errors import UserError
from detector.events.alarms import Alarm
from detector.events.places import Line, Zone
from detector.events.visit import Visit
from detector.events.visits import MOST_POINTS, Rules, Visits
from detector.inference.prediction import Prediction
from detector.thermal.radiometry import Linear
from tests.unit.events.builders import COUNTS, followed

EVENING = datetime(2026, 1, 2, 21)
LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
MIDDLE = Line("middle", ((0.5, 1.0), (0.5, 0.0)))


def rules(**changes: Any) -> Rules:
    told = {"shortest": 1.0, "gap": 2.0, "zones": (), "lines": (), "alarms": ()}
    return Rules(**{**told, **changes})


def picture(prediction: Prediction, index: int) -> np.ndarray:
    """A pixel that tells which view was taken: its score in percent."""
    return np.full((1, 1, 3), round(100 * float(prediction.scores[index])), np.uint8)


class Night:
    """A recording of one frame a second."""

    def __init__(self, **changes: Any) -> None:
        self.rang: list[tuple[str, Visit]] = []
        self.visits = Visits(
            "a", rules(**changes), portrait=picture, rang=lambda name, visit: self.rang.append((name, visit))
        )
        self.over: list[tuple[float, Visit, int]] = []

    def see(self, seconds: float, *rows: tuple[int, float, float, float, float, int], **facts: Any) -> None:
        time = EVENING + timedelta(seconds=seconds)
        for visit, view in self.visits.add(followed(*rows, **{"time": time, **facts}), seconds=seconds):
            self.over.append((seconds, visit, int(view[0, 0, 0])))

    def end(self) -> list[Visit]:
        for visit, view in self.visits.end():
            self.over.append((float("inf"), visit, int(view[0, 0, 0])))
        return [visit for _, visit, _ in self.over]


def test_a_visit_by_hand():
    night = Night(zones=(LEFT,), lines=(MIDDLE,))
    kelvin = Linear(gain=0.01, offset=0.0)
    counts = COUNTS.copy()
    counts[:, :60] = 31000  # warm on the left
    for second, x, side, score in ((3, 50, 8, 0.5), (4, 90, 8, 0.9), (5, 130, 20, 0.6)):
        night.see(second, (7, x, 40, side, score, 1), counts=counts, calibration=kelvin)
    (visit,) = night.end()
    assert visit == Visit(
        recording="a",
        track=7,
        name="car",
        start="2026-01-02T21:00:03",
        end="2026-01-02T21:00:05",
        first=3.0,
        last=5.0,
        sightings=3,
        score=0.9,
        path=[[3.0, 0.25, 0.4], [4.0, 0.45, 0.4], [5.0, 0.65, 0.4]],
        kelvin=310.0,
        kelvin_near=300.0,
        zones={"left": 1.0},
        lines={"middle": 1},
        alarms=[],
    )
    assert night.over[0][2] == 60, "the large view, though it scores less"
    assert (visit.seconds, visit.night) == (2.0, "2026-01-02")


@pytest.mark.parametrize(("score", "pictured"), [(0.53, 50), (0.57, 57)])
def test_only_a_clearly_better_view_is_pictured_anew(score, pictured):
    night = Night()
    for second, scored in enumerate((0.5, score)):
        night.see(second, (1, 50, 40, 8, scored, 0))
    night.end()
    assert night.over[0][2] == pictured


def test_it_is_told_as_soon_as_it_is_over_and_not_before():
    night = Night(gap=2.0)
    for second in range(4):
        night.see(second, (1, 50, 40, 8, 0.5, 0))
    for second in (4, 5, 6, 7):
        night.see(second, (2, 80, 40, 8, 0.5, 0))
    assert [(seconds, visit.track) for seconds, visit, _ in night.over] == [(6, 1)]
    assert [visit.track for visit in night.end()] == [1, 2]


def test_short_ones_and_those_without_a_track_are_none():
    night = Night(shortest=2.0)
    night.see(0, (1, 50, 40, 8, 0.5, 0), (0, 20, 20, 8, 0.5, 0))
    night.see(1, (1, 50, 40, 8, 0.5, 0), (0, 20, 20, 8, 0.5, 0))
    night.see(9, (0, 20, 20, 8, 0.5, 0))
    assert night.end() == []


def test_back_and_forth_over_a_line_is_no_crossing():
    night = Night(lines=(MIDDLE,))
    for second, x in enumerate((90, 110, 90, 110, 90)):
        night.see(second, (1, x, 50, 8, 0.5, 0))
    (visit,) = night.end()
    assert visit.lines == {}


def test_an_alarm_rings_once_and_at_once():
    guest = Alarm(name="guest", classes=("person",), seconds=2.0, kelvin=None, zone=None)
    night = Night(alarms=(guest,))
    for second in range(5):
        night.see(second, (1, 50, 40, 8, 0.5, 0), (2, 150, 40, 8, 0.5, 1))
        assert len(night.rang) == (second >= 2)
    ((name, visit),) = night.rang
    assert (name, visit.track, visit.last, visit.alarms) == ("guest", 1, 2.0, ["guest"])
    assert [visit.alarms for visit in night.end()] == [["guest"], []]


def test_an_alarm_in_a_zone_that_is_not_there_is_refused():
    alarm = Alarm(name="guest", classes=None, seconds=0.0, kelvin=None, zone="door")
    with pytest.raises(UserError, match=r"events.alarms.guest.zone=door: must be one of left"):
        rules(zones=(LEFT,), alarms=(alarm,))


def test_a_path_stays_short_and_goes_all_the_way():
    night = Night()
    for second in range(1000):
        night.see(second, (1, second / 5, 40, 8, 0.5, 0))
    (visit,) = night.end()
    assert MOST_POINTS / 4 < len(visit.path) <= MOST_POINTS
    assert visit.path[0][0] == 0
    assert visit.path[-1][0] > 990
    assert np.ptp(np.diff([seconds for seconds, *_ in visit.path])) == 0, "evenly thinned"


def test_the_night_of_a_time_with_a_zone_is_that_of_this_clock():
    aware = datetime.fromisoformat("2026-01-02T21:00:00").astimezone()
    night = Night()
    for second in (0, 1):
        night.see(second, (1, 50, 40, 8, 0.5, 0), time=aware + timedelta(seconds=second))
    assert [visit.night for visit in night.end()] == ["2026-01-02"]
