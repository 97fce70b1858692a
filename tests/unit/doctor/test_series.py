"""Which frames are neighbours in their recording."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from detector.doctor.scan import FrameFacts
from detector.doctor.series import by_number, by_time, near_in_series, reused_names
from detector.doctor.thumbnails import thumbnail
from tests.unit.doctor.builders import record_of

BLANK = thumbnail(np.zeros((60, 80), np.uint16))


def frame(
    name: str, *, sequence: str | None = None, time: datetime | None = None, code: int = 0
) -> FrameFacts:
    record = record_of(Path(f"{name}.png"), sequence=sequence)
    code_bytes = code.to_bytes(16, "big")
    return FrameFacts("val", record, (60, 80), 16, 0, 9, 0.1, 0.1, 10, code_bytes, BLANK, time)


def test_numbers_of_one_name_and_recording():
    known = [frame("a_100", sequence="x"), frame("a_200", sequence="x"), frame("name")]
    frames = [
        frame("a_0090", sequence="x"),
        frame("a_111", sequence="x"),
        frame("a_210", sequence="x"),
        frame("a_100", sequence="y"),
        frame("b_100", sequence="x"),
        frame("name"),
    ]
    found = near_in_series(frames, known, by_number, reach=10)
    assert found.tolist() == [True, False, True, False, False, False]


def test_times_of_one_recording():
    noon = datetime(2021, 1, 15, 12)
    known = [frame("a", time=noon), frame("b")]
    frames = [
        frame("c", time=noon + timedelta(seconds=0.9)),
        frame("d", time=noon - timedelta(seconds=1.1)),
        frame("e", time=noon.replace(tzinfo=timezone.utc)),
        frame("f", time=noon, sequence="x"),
        frame("b"),
    ]
    assert near_in_series(frames, known, by_time, reach=1.0).tolist() == [True, False, False, False, False]


def test_one_name_for_two_pictures():
    known = [frame("1", sequence="x"), frame("1", sequence="y"), frame("1"), frame("2", sequence="z")]
    frames = [
        frame("1", sequence="x", code=0b111),
        frame("1", sequence="y", code=0b11),
        frame("1", code=0b1111),
        frame("3", sequence="z", code=0b111),
    ]
    assert set(reused_names(frames, known, bits=2)) == {"x", None}
