"""When a picked frame was taken, as the manifest has it."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from detector.app.commands import frames
from detector.structures import Frame

ZONED, PLAIN = (datetime.fromisoformat(f"2026-01-02T12:00:{rest}") for rest in ("00+02:00", "07.5"))


@pytest.mark.parametrize(
    ("start", "time", "fps", "seconds"),
    [
        (ZONED, PLAIN, 2.0, 7.5),  # pictures of which one tells a zone
        (ZONED, None, 2.0, 1.5),
        (None, None, None, None),
    ],
)
def test_seconds_are_by_the_camera_s_clock_or_by_the_frame_rate(start, time, fps, seconds):
    opened = SimpleNamespace(recording=SimpleNamespace(fps=fps))
    one = frames.Surveyed("a", opened, SimpleNamespace(start=start), None)
    frame = Frame(np.zeros((2, 2), np.uint16), 16, "frame", time=time)
    assert frames._seconds(one, frame, 3) == seconds
