"""When a rule is set off."""

from __future__ import annotations

import pytest

from detector.events.alarms import Alarm

RULE = {"name": "guest", "classes": ("person",), "seconds": 2.0, "kelvin": None, "zone": None}
SEEN = {"name": "person", "seconds": 2.0, "kelvin": None, "zones": {}}


@pytest.mark.parametrize(
    ("rule", "seen", "rings"),
    [
        ({}, {}, True),
        ({}, {"name": "car"}, False),
        ({"classes": None}, {"name": "car"}, True),
        ({}, {"seconds": 1.9}, False),
        ({"kelvin": 300.0}, {"kelvin": 300.0}, True),
        ({"kelvin": 300.0}, {"kelvin": 299.9}, False),
        ({"kelvin": 300.0}, {}, False),
        ({"zone": "door"}, {"seconds": 60.0}, False),
        ({"zone": "door"}, {"zones": {"door": 2.0}}, True),
        ({"zone": "door"}, {"zones": {"door": 1.0, "yard": 9.0}}, False),
        ({"zone": "door", "seconds": 0.0}, {"zones": {"yard": 9.0}}, False),
        ({"zone": "door", "seconds": 0.0}, {"zones": {"door": 0.0}}, True),
    ],
)
def test_rings(rule, seen, rings):
    assert Alarm(**{**RULE, **rule}).rings(**{**SEEN, **seen}) is rings
