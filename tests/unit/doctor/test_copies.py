"""What the hash takes for a copy is one only where the pictures say so too."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.doctor.copies import SecondLook, second_look
from detector.doctor.scan import facts_of
from detector.doctor.thumbnails import likeness_moved, likenesses, thumbnail
from detector.structures import Frame
from detector.thermal import io
from tests.built import built
from tests.unit.doctor.builders import record_of

REAL = Path(os.environ.get("THERMAL_DATA", "../shared/data"))
HEIGHT, WIDTH = 240, 320


def view(seed: int, *, grain: int = 24) -> np.ndarray:
    """[HEIGHT, WIDTH] float: a textured scene, larger than a frame by 40 pixels on each side."""
    coarse = np.random.default_rng(seed).normal(0, 200, (grain, grain)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH + 80, HEIGHT + 80), interpolation=cv2.INTER_CUBIC)


def frame(scene: np.ndarray, seed: int, *, right: int = 0, noise: float = 5.0) -> np.ndarray:
    """What a camera sees of it, moved to the right, as counts."""
    seen = scene[40 : 40 + HEIGHT, 40 + right : 40 + right + WIDTH]
    return np.rint(30000 + seen + np.random.default_rng(seed).normal(0, noise, seen.shape)).astype(np.uint16)


def looked_at(frames: list[np.ndarray], known: list[np.ndarray]) -> SecondLook:
    """With every known frame as a candidate."""
    facts = [
        [
            facts_of(Frame(counts, 16, "made"), record_of(Path(f"{k}.png")), "train")
            for k, counts in enumerate(of)
        ]
        for of in (frames, known)
    ]
    return second_look(*facts, np.tile(np.arange(len(known)), (len(frames), 1)))


def test_likeness_is_the_correlation_of_the_details() -> None:
    one, other = (thumbnail(frame(view(seed), seed)).detail for seed in (0, 1))
    expected = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    found = likenesses(one, np.stack([other, one, -one]))
    # The details have a mean of nearly 0, but for rounding.
    np.testing.assert_allclose(found, [expected, 1, -1], atol=1e-3)


def test_gain_offset_and_lines_of_the_sensor_leave_the_detail_as_it_is() -> None:
    seen = frame(view(0), 0)
    lines = np.random.default_rng(1).normal(0, 100, (1, WIDTH)) + np.linspace(0, 900, HEIGHT)[:, None]
    changed = thumbnail(np.rint(0.5 * seen + 500 + lines).astype(np.uint16)).detail
    assert likenesses(thumbnail(seen).detail, changed[None])[0] > 0.98


def test_the_same_view_is_a_copy_the_moved_one_a_place_and_another_neither() -> None:
    here, there = view(0), view(1)
    found = looked_at(
        [frame(here, 1), frame(here, 2, right=25), frame(there, 3)], [frame(here, 0), frame(view(2), 4)]
    )
    assert found.copies.tolist() == [0, -1, -1]
    assert found.places.tolist() == [-1, 0, -1]
    assert (found.share, found.places_share) == (1 / 3, 1 / 3)
    assert likeness_moved(*(thumbnail(frame(here, k, right=25 * k)).detail for k in (0, 1))) > 0.9


def test_level_horizons_are_no_copies_of_each_other() -> None:
    """The hash of each is the other's: a step down, nothing across."""
    horizon = np.where(np.arange(HEIGHT + 80) < 170, 0.0, 900.0)[:, None] + np.zeros((1, WIDTH + 80))
    made = [frame(horizon, seed) for seed in range(2)]
    assert looked_at(made[:1], made[1:]).copies.tolist() == [-1]
    assert looked_at(made[:1], made[:1]).copies.tolist() == [0]  # the same file is one however poor


def test_what_a_sensor_adds_to_an_empty_sky_makes_no_copy() -> None:
    """Of a fixed pattern as strong as the noise, nine tenths are left after cells are averaged."""
    pattern = np.random.default_rng(0).normal(0, 15, (HEIGHT + 80, WIDTH + 80))
    one, other = (frame(pattern, seed) for seed in (1, 2))
    details = [thumbnail(counts) for counts in (one, other)]
    assert likenesses(details[0].detail, details[1].detail[None])[0] > 0.8
    assert all(detail.poor for detail in details)
    found = looked_at([one], [other])
    assert (found.copies.tolist(), found.places.tolist()) == ([-1], [-1])


def real(name: str, root: str, split: str, every: int) -> list[np.ndarray]:
    folder = REAL / root
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here (THERMAL_DATA names its folder)")
    records = sorted(built(name, root=folder).load(split).records, key=lambda record: record.path.name)
    return [io.read(record.path).counts for record in records[:40:every]]


def test_real_neighbours_are_copies() -> None:
    """HIT-UAV, every second frame against those between."""
    frames = real("data/hit_uav", "hit_uav_320", "val", 1)
    assert looked_at(frames[::2], frames[1::2]).share > 0.1


def test_real_recordings_of_other_places_are_none() -> None:
    """drone_ir: no recording of val is in train."""
    splits = [real("data/coco", "drone_ir", split, 1) for split in ("val", "train")]
    assert looked_at(*splits).share == 0
