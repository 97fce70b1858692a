"""Views from above: sizes, rows, and a truth that people would have drawn."""

import math
from dataclasses import replace

import numpy as np
import pytest

from detector.synth.above import CLASSES, Above, AboveParams
from tests.built import read

DOWN = read(
    AboveParams,
    "synth:above",
    width=160,
    height=128,
    fine=2,
    groups=(6, 6),
    metre_px=(5.0, 5.0),
    houses=(0, 0),
    clutter=(0, 0),
    min_contrast=0.0,
)


def only(name: str) -> AboveParams:
    """Of one class alone."""
    return replace(DOWN, class_weights=tuple(float(name == other) for other in CLASSES))


def truth_of(params: AboveParams, *, frames: int):
    for seed in range(frames):
        rng = np.random.default_rng(seed)
        yield Above(params, rng).frame(rng)[1]


def long_sides(params: AboveParams) -> np.ndarray:
    """Of the boxes that no edge cuts, in metres, without the margin."""
    found = []
    for truth in truth_of(params, frames=8):
        for item in truth:
            x0, y0, x1, y1 = item.box
            if x0 > 0 and y0 > 0 and x1 < params.width and y1 < params.height and item.visible > 0.95:
                found.append(max(x1 - x0, y1 - y0) - 2 * params.margin_px)
    return np.array(found) / 5.0


@pytest.mark.parametrize(
    ("name", "low", "high"), [("vehicle", 3.0, 6.5), ("truck", 4.5, 12.5), ("bicycle", 0.8, 2.8)]
)
def test_straight_from_above_things_are_as_large_as_they_are(name, low, high):
    sides = long_sides(replace(only(name), tilt=(90.0, 90.0)))
    assert len(sides) > 5
    assert low < np.percentile(sides, 10) < np.percentile(sides, 90) < high


def test_people_shrink_to_their_shoulders_as_the_camera_looks_down():
    upright, below = (
        np.median(long_sides(replace(only("person"), tilt=(tilt, tilt)))) for tilt in (30.0, 88.0)
    )
    assert upright == pytest.approx(1.72 * math.cos(math.radians(30)), abs=0.25)
    assert below < 0.8


def test_vehicles_stand_in_rows_and_their_neighbours_are_a_bay_apart():
    steps = []
    for truth in truth_of(replace(only("vehicle"), tilt=(90.0, 90.0), groups=(1, 1), fine=1), frames=40):
        centres = np.array([((i.box[0] + i.box[2]) / 2, (i.box[1] + i.box[3]) / 2) for i in truth])
        if len(centres) > 3:
            apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) / 5.0
            np.fill_diagonal(apart, np.inf)
            steps.append(np.median(apart.min(axis=1)))
    assert len(steps) > 3
    assert 2.2 < min(steps) <= max(steps) < 3.4


def test_boxes_go_beyond_what_is_seen_by_the_margin_and_end_at_the_frame():
    loose, tight = (
        [item for truth in truth_of(replace(DOWN, margin_px=margin), frames=4) for item in truth]
        for margin in (1.5, 0.0)
    )
    assert len(loose) == len(tight) > 10
    size = (DOWN.width, DOWN.height)
    for wide, narrow in zip(loose, tight, strict=True):
        moved = np.add(narrow.box, (-1.5, -1.5, 1.5, 1.5))
        np.testing.assert_allclose(wide.box, np.clip(moved, 0, np.tile(size, 2)), atol=1e-6)


def test_every_class_comes_and_frames_of_a_scene_differ():
    seen = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scene = Above(DOWN, rng)
        (first, a), (second, b) = scene.frame(rng), scene.frame(rng)
        assert not np.array_equal(first, second)
        seen |= {item.label for item in [*a, *b]}
        assert 230 < first.min() < first.max() < 360
    assert seen == set(range(len(CLASSES)))
