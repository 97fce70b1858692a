"""A prediction's arrays side by side."""

from __future__ import annotations

import numpy as np

from detector.thermal.radiometry import Linear
from tests.unit.inference.builders import prediction


def test_everything_of_an_object_stands_at_one_index():
    counts = np.full((6, 8), 30000, np.uint16)
    counts[0, 0] = 31000
    rows = (([0, 0, 2, 2], 0.9, 1), ([4, 1, 6, 3], 0.5, 0))
    found = prediction(*rows, counts=counts, calibration=Linear(gain=0.01, offset=0.0))
    assert len(found) == 2
    assert found.boxes.tolist() == [[0, 0, 2, 2], [4, 1, 6, 3]]
    assert (found.labels.tolist(), found.names) == ([1, 0], ["car", "person"])
    assert found.scores.tolist() == [np.float32(0.9), np.float32(0.5)]
    first, second = found.temperatures
    assert first is not None
    assert second is not None
    assert (first.low, first.mean, first.high, second.mean) == (300, 302.5, 310, 300)
    assert prediction(*rows).temperatures == [None, None]
