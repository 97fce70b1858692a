"""Visits and followed objects without a tracker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detector.events.visit import Visit
from detector.inference.prediction import Prediction
from tests.unit.inference.builders import prediction

COUNTS = np.full((100, 200), 30000, np.uint16)


def followed(*rows: tuple[int, float, float, float, float, int], **facts: Any) -> Prediction:
    """Of (track, centre x, centre y, side, score, label), in a frame 200 wide and 100 high."""
    boxes = [
        ([x - side / 2, y - side / 2, x + side / 2, y + side / 2], score, label)
        for _, x, y, side, score, label in rows
    ]
    one = prediction(*boxes, **{"counts": COUNTS, **facts})
    tracks = np.array([track for track, *_ in rows], np.int64)
    return replace(one, detections=replace(one.detections, tracks=tracks))


def visit(**changes: Any) -> Visit:
    """Ten seconds of a person on a January evening."""
    told: dict[str, Any] = {
        "recording": "/night/a.cptv",
        "track": 1,
        "name": "person",
        "start": "2026-01-02T21:00:00",
        "end": "2026-01-02T21:00:10",
        "first": 5.0,
        "last": 15.0,
        "sightings": 90,
        "score": 0.8,
        "path": [[5.0, 0.1, 0.2], [15.0, 0.9, 0.2]],
        "kelvin": 300.0,
        "kelvin_near": 299.0,
        "zones": {},
        "lines": {},
        "alarms": [],
    }
    return Visit(**{**told, **changes})
