"""A frame's time; detections of one frame, and those of them that are kept."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from detector.structures import Detections, Frame


@pytest.mark.parametrize(
    ("start", "time", "seconds"),
    [
        ("2026-01-02T12:00:00", "2026-01-02T12:00:01.5", 1.5),
        ("2026-01-02T12:00:00+02:00", "2026-01-02T12:00:05", 5.0),
        ("2026-01-02T12:00:05", "2026-01-02T12:00:00+02:00", -5.0),
        (None, "2026-01-02T12:00:00", None),
        ("2026-01-02T12:00:00", None, None),
    ],
)
def test_times_are_of_the_camera_s_clock_whether_it_tells_its_zone_or_not(start, time, seconds):
    start, time = (text and datetime.fromisoformat(text) for text in (start, time))
    frame = Frame(np.zeros((2, 2), np.uint16), 16, "frame", time=time)
    assert frame.seconds_since(start) == seconds


@pytest.mark.parametrize(
    "chosen", [np.array([True, False, True]), np.array([0, 2]), np.s_[::2]], ids=["mask", "index", "slice"]
)
def test_what_is_kept_stays_whole_and_in_order(chosen):
    found = Detections(
        boxes=np.arange(12, dtype=np.float32).reshape(3, 4),
        scores=np.array([0.75, 0.5, 0.25], np.float32),
        labels=np.array([2, 0, 1]),
    )
    kept = found.keep(chosen)
    assert kept.boxes.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert kept.scores.tolist() == [0.75, 0.25]
    assert kept.labels.tolist() == [2, 1]
    assert len(found.scores) == 3
