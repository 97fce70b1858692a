"""What `events` may say."""

from __future__ import annotations

from typing import Any

import pytest

from detector.app.visiting import rules
from detector.errors import UserError
from tests.built import settings_at

CLASSES = ("person", "fox")


def made(**changes: Any):
    return rules({**settings_at("events/visits"), **changes}, classes=CLASSES)


def test_settings_become_places_and_rules():
    found = made(
        zones={"door": [[0, 0], [1, 0], [1, 1]]},
        lines={"gate": [[0.5, 0], [0.5, 1]]},
        alarms={"guest": {"classes": ["person"], "zone": "door"}},
    )
    assert found.zones[0].corners == ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    assert found.lines[0].name == "gate"
    (alarm,) = found.alarms
    assert (alarm.classes, alarm.seconds, alarm.kelvin, alarm.zone) == (("person",), 0.0, None, "door")
    assert made().zones == made().lines == made().alarms == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zones": {"door": [[0, 0, 1]]}}, r"events.zones.door=.*: must be a list of points \[x, y\]"),
        ({"zones": "door"}, r"events.zones=door: must be null or a group"),
        ({"lines": {"gate": 3}}, r"events.lines.gate=3: must be a list of points"),
        ({"alarms": {"a": {"class": "fox"}}}, r"events.alarms.a=.*: must be a group of classes, seconds"),
        ({"alarms": {"a": {"classes": ["dog"]}}}, r"events.alarms.a.classes: dog is none of person, fox"),
        ({"alarms": {"a": {"zone": "door"}}}, r"events.alarms.a.zone=door: must be one of events.zones"),
        ({"alarms": {"a": {"kelvin": "hot"}}}, r"events.alarms.a.kelvin=hot: must be a number"),
        ({"alarms": {"a": {"seconds": -1}}}, r"events.alarms.a.seconds=-1: must be at least 0"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(UserError, match=message):
        made(**changes)
