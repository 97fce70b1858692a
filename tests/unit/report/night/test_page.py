"""The page of a night says what the visits say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np

from detector.report.kit.page import Table, Tiles, render
from detector.report.night.page import by_night, night_page, season_page, told
from tests.unit.events.builders import visit

VISITS = [
    visit(),
    visit(track=2, start="2026-01-03T02:00:00", lines={"gate": 1}, alarms=["guest"]),
    visit(track=3, start="2026-01-03T13:00:00", name="cat", kelvin=None, kelvin_near=None),
    visit(track=4, start=None, end=None, name='<b>"fox"'),
]


def test_nights_are_from_noon_to_noon():
    nights = by_night(VISITS[::-1])
    assert {night: [one.track for one in visits] for night, visits in nights.items()} == {
        "2026-01-02": [1, 2],
        "2026-01-03": [3],
        "unknown": [4],
    }
    assert list(nights) == ["2026-01-02", "2026-01-03", "unknown"]
    assert told(nights)[0] == "2026-01-02  2 visits: 2 person"


def test_visits_of_cameras_that_tell_a_zone_and_of_others_come_in_the_order_of_their_times():
    later = datetime.fromisoformat("2026-01-02T21:30:00").astimezone()
    west = timezone(later.utcoffset() - timedelta(hours=5))
    other = visit(track=2, start=later.astimezone(west).isoformat())
    assert other.start.startswith("2026-01-02T16:30:00")
    nights = by_night([other, visit()])
    assert [one.track for one in nights["2026-01-02"]] == [1, 2]


def tables(page) -> dict[str, list[tuple[str, ...]]]:
    return {
        section.title: [row for block in section.blocks if isinstance(block, Table) for row in block.rows]
        for section in page.sections
    }


def test_a_night(tmp_path: Path):
    shown = night_page("2026-01-02", VISITS[:2], tmp_path)
    assert shown.lead == "2 visits: 2 person."
    found = tables(shown)
    assert found["Hours"] == [("21:00", "1"), ("02:00", "1")]
    assert found["Visits"][0] == (
        *("21:00:00", "person", "10 s", "0.80", "26.9 °C", "25.9 °C", "-"),
        "a.cptv #1",
    )
    assert found["Zones and lines"] == [("over gate, forward", "1 person"), ("over gate, back", "-")]


def test_the_picture_is_in_the_page_and_names_are_no_markup(tmp_path: Path):
    _, encoded = cv2.imencode(".jpg", np.full((8, 8, 3), 90, np.uint8))
    (tmp_path / "1.jpg").write_bytes(encoded.tobytes())
    text = render(night_page("unknown", [visit(name='<b>"fox"', start=None, picture="1.jpg")], tmp_path))
    assert text.count("data:image/jpeg;base64,") == 1
    assert "<b>" not in text
    assert "0:05 min, 10 s, 26.9 °C" in text


def test_a_picture_that_is_gone_is_left_out(tmp_path: Path):
    shown = night_page("2026-01-02", [visit(picture="gone.jpg")], tmp_path)
    tiles = [block for section in shown.sections for block in section.blocks if isinstance(block, Tiles)]
    assert [one.pictures for one in tiles] == [()]


def test_a_season():
    page = season_page(by_night(VISITS[:3]), recordings=1, seconds=7200.0)
    assert page.lead == "3 visits in 1 recording, 2 h 0 min."
    assert tables(page)["Nights"] == [
        ("2026-01-02", "2", "0", "2", "1"),
        ("2026-01-03", "0", "1", "1", "0"),
        ("all", "2", "1", "3", "1"),
    ]
