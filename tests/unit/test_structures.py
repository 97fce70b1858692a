"""Detections of one frame, and those of them that are kept."""

from __future__ import annotations

import numpy as np
import pytest

from detector.structures import Detections


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
