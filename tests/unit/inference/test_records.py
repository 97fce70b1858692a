"""Detections as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timezone

import numpy as np

from detector.inference.records import COLUMNS, as_csv, as_json, frame_record
from detector.structures import Detections, Frame
from detector.thermal.radiometry import Linear

FOUND = Detections(
    boxes=np.array([[0, 0, 2, 2], [4.127, 1, 6, 3], [0, 0, 8, 6]], np.float32),
    scores=np.array([0.9, 0.5, 0.2999], np.float32),
    labels=np.array([1, 0, 0]),
)
CLASSES = ("cat", 'a "dog", old')
COUNTS = np.full((6, 8), 30000, np.uint16)
COUNTS[0, 0] = 31000


def record(**facts) -> dict:
    return frame_record(7, Frame(COUNTS, 16, "a/b, c.png", **facts), FOUND, classes=CLASSES, min_score=0.3)


def test_a_frame_s_record_by_hand():
    noon = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
    assert record(time=noon, calibration=Linear(gain=0.01, offset=0.0)) == {
        "frame": 7,
        "source": "a/b, c.png",
        "time": "2026-01-02T12:00:00+00:00",
        "width": 8,
        "height": 6,
        "objects": [
            {
                "class": 'a "dog", old',
                "score": 0.9,
                "box": [0, 0, 2, 2],
                "kelvin": {"min": 300.0, "mean": 302.5, "max": 310.0},
            },
            {
                "class": "cat",
                "score": 0.5,
                "box": [4.13, 1, 6, 3],
                "kelvin": {"min": 300.0, "mean": 300.0, "max": 300.0},
            },
        ],
    }


def test_json_holds_every_frame_also_empty_ones():
    empty = frame_record(8, Frame(COUNTS, 16, "e"), FOUND, classes=CLASSES, min_score=1.0)
    document = json.loads(as_json([record(), empty], classes=CLASSES))
    assert document == {"classes": list(CLASSES), "frames": [record(), empty]}
    assert document["frames"][1]["objects"] == []
    assert "kelvin" not in document["frames"][0]["objects"][0]
    assert json.loads(as_json([], classes=CLASSES))["frames"] == []


def test_csv_has_a_line_for_every_object_and_survives_commas_and_quotes():
    rows = list(
        csv.DictReader(io.StringIO(as_csv([record(), record(calibration=Linear(gain=0.01, offset=0))])))
    )
    assert len(rows) == 4
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["source"], rows[0]["class"]) == ("a/b, c.png", 'a "dog", old')
    assert [rows[1][name] for name in ("x1", "y1", "x2", "y2")] == ["4.13", "1.0", "6.0", "3.0"]
    assert (rows[0]["kelvin_max"], rows[2]["kelvin_max"]) == ("", "310.0")
