"""The stage around a tracker: its clock, its thresholds, one recording at a time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from detector.inference.tracked import Clock, tracked
from detector.structures import Frame
from tests.built import built
from tests.unit.inference.builders import CLASSES, prediction

NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
COUNTS = np.zeros((40, 60), np.uint16)
BOX = [20.0, 10.0, 28.0, 18.0]


def frame(seconds: float | None) -> Frame:
    time = None if seconds is None else NOON + timedelta(seconds=seconds)
    return Frame(COUNTS, 16, "frame", time=time)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ([None, None, None], [0.0, 0.5, 1.0]),
        ([0.0, 0.25, 3.0], [0.0, 0.25, 3.0]),
        ([0.0, 0.0, 0.0, 2.0], [0.0, 0.5, 0.75, 2.0]),  # whole seconds only: the first has not ended
        ([0.0] * 4 + [1.0] * 3, [0.0, 0.5, 0.75, 0.875, 1.0, 1.25, 1.5]),  # four a second, as it turns out
        ([0.0, -3600.0, -3599.0], [0.0, 0.5, 1.0]),  # set back
    ],
)
def test_a_clock_that_never_stands_still(told, read):
    clock = Clock(fps=2.0)
    assert [clock.read(frame(seconds)) for seconds in told] == pytest.approx(read)


def test_every_class_has_its_threshold_and_every_recording_its_numbers():
    stage = tracked(built("tracker/bytetrack"), {"person": 0.2, "car": 0.6}, fps=9)
    rows = (BOX, 0.3, 0), ([40.0, 30.0, 48.0, 38.0], 0.5, 1)
    for _ in range(2):
        found = list(stage(prediction(*rows, counts=COUNTS) for _ in range(4)))
        assert [one.names for one in found] == [["person"]] * 4
        assert [one.tracks for one in found] == [[None], [None], [1], [1]]


def test_boxes_stay_inside_the_frame():
    """The filter may expect an object beyond the border that it walks over."""
    stage = tracked(built("tracker/bytetrack"), dict.fromkeys(CLASSES, 0.2), fps=9)
    boxes = [[max(0.0, 30.0 - 7 * k), 10.0, max(6.0, 38.0 - 7 * k), 18.0] for k in range(8)]
    for one in stage(prediction((box, 0.9, 0), counts=COUNTS) for box in boxes):
        assert (one.boxes >= 0).all()
        assert (one.boxes[:, 2:] - one.boxes[:, :2] >= 1).all()
        assert one.boxes[:, 2].max() <= 60


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ([-9.0, 10.0, -3.0, 18.0], [0.0, 10.0, 1.0, 18.0]),
        ([65.0, 38.0, 70.0, 48.0], [59.0, 38.0, 60.0, 40.0]),
        ([20.0, -9.0, 28.0, -1.0], [20.0, 0.0, 28.0, 1.0]),
    ],
)
def test_of_a_box_beyond_the_border_stays_a_pixel(box, kept):
    stage = tracked(built("tracker/bytetrack"), dict.fromkeys(CLASSES, 0.2), fps=9)
    (one,) = stage([prediction((box, 0.9, 0), counts=COUNTS)])
    assert one.boxes.tolist() == [kept]
