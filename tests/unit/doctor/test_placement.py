"""How boxes stand out, against plain slicing; and what real pictures say of real boxes."""

import os
from pathlib import Path

import numpy as np
import pytest

from detector.doctor.placement import SHIFTS, Placement, shifted_contrasts
from detector.thermal import io
from tests.built import built

REAL = Path(os.environ.get("THERMAL_DATA", "../shared/data")) / "hit_uav_320"


def naive_contrast(counts: np.ndarray, box: tuple[int, int, int, int], margin: int) -> float:
    left, top, right, bottom = box
    inner = np.zeros(counts.shape, bool)
    inner[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    outer = np.zeros(counts.shape, bool)
    outer[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin] = True
    ring = counts[outer & ~inner].astype(float)
    return abs(counts[inner].mean() - ring.mean()) / ring.std()


def test_contrasts_are_those_that_slicing_gives():
    counts = np.random.default_rng(0).integers(20000, 20400, (40, 50)).astype(np.uint16)
    contrasts = shifted_contrasts(counts, np.array([(8, 4, 20, 16), (30.2, 20.4, 34.1, 23.8)]))
    for row, down in enumerate(SHIFTS):
        for column, right in enumerate(SHIFTS):
            x, y = 8 + int(12 * right), 4 + int(12 * down)
            in_frame = (min(x + 12, 50) - max(x, 0)) * (min(y + 12, 40) - max(y, 0))
            if in_frame > 12 * 12 / 2:
                expected = naive_contrast(counts, (x, y, x + 12, y + 12), 4)
                assert contrasts[0, row, column] == pytest.approx(expected, rel=1e-6)
            else:
                assert np.isnan(contrasts[0, row, column])
    assert contrasts[1, 4, 4] == pytest.approx(naive_contrast(counts, (30, 20, 34, 24), 2), rel=1e-6)


def test_boxes_at_the_border_are_left_out():
    placement = Placement()
    placement.add(np.zeros((20, 20), np.uint8), np.array([(0, 5, 4, 9), (5, 5, 20, 9), (5.0, 5, 9, 9)]))
    assert placement.boxes == 1


def test_few_boxes_prove_nothing():
    placement = Placement()
    counts = np.zeros((20, 20), np.uint8)
    counts[5:9, 5:9] = 200
    for _ in range(29):
        placement.add(counts, np.array([(5.0, 5, 9, 9)]))
    assert placement.best is None
    placement.add(counts, np.array([(5.0, 5, 9, 9)]))
    assert placement.best == (0, 0)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here (THERMAL_DATA names its folder)")
@pytest.mark.parametrize("shift", [0.0, 0.5, -0.5])
def test_hit_uav_s_boxes_are_corners_and_moved_ones_are_found(shift):
    placement = Placement()
    for record in built("data/hit_uav", root=REAL).load("val").records[:60]:
        boxes = record.boxes[~record.ignored]
        placement.add(io.read(record.path).counts, boxes + shift * np.tile(boxes[:, 2:] - boxes[:, :2], 2))
    assert placement.best == (-shift, -shift)
