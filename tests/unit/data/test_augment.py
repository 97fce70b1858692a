from collections.abc import Sequence

import albumentations as A
import cv2
import numpy as np
import pytest

from detector.data.augment import TrainTransform
from detector.data.patch import areas
from detector.data.sample import RawSample, Sample
from detector.errors import UserError
from tests.unit.data.builders import assert_same_sample, bright_box, raw_of, raw_with_rectangle

SIZE = (48, 64)


def one_patch(
    geometry: Sequence[A.DualTransform], *, intensity: Sequence[A.ImageOnlyTransform] = ()
) -> TrainTransform:
    """No scaling, no mosaic: what is left is the given transforms."""
    return TrainTransform(SIZE, (1, 1), mosaic_probability=0, geometry=geometry, intensity=intensity)


def run(transform: TrainTransform, raws: Sequence[RawSample], *, seed: int = 0, epoch: int = 0) -> Sample:
    return transform(raws, 0, epoch=epoch, rng=np.random.default_rng(seed))


@pytest.mark.parametrize(
    "transform",
    [
        A.HorizontalFlip(p=1),
        A.VerticalFlip(p=1),
        A.RandomRotate90(p=0),
        A.Affine(translate_px=(-9, 9), p=1),
        A.Affine(shear=(0, 0), rotate=(180, 180), p=1),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_boxes_follow_the_picture(transform: A.DualTransform) -> None:
    raw = raw_with_rectangle((20, 12, 37, 30), size=SIZE)
    for seed in range(5):
        sample = run(one_patch([transform]), [raw], seed=seed)
        np.testing.assert_allclose(sample.boxes, [bright_box(sample.image)], atol=1.01)


def test_a_flip_moves_the_box() -> None:
    sample = run(one_patch([A.HorizontalFlip(p=1)]), [raw_with_rectangle((20, 12, 37, 30), size=SIZE)])
    np.testing.assert_allclose(sample.boxes, [[64 - 37, 12, 64 - 20, 30]], atol=1e-4)


def test_a_turned_ellipse_fills_its_box() -> None:
    """Half axes 24 and 6 turned by 30 degrees reach sqrt(24² cos² + 6² sin²) = 21 and, likewise, 13.1."""
    counts = np.zeros(SIZE, np.uint8)
    cv2.ellipse(counts, (32, 24), (24, 6), 0, 0, 360, 255, -1)
    raw = raw_of(counts, np.array([[8, 18, 56, 30]], np.float32))
    sample = run(one_patch([A.Affine(rotate=(30, 30), rotate_method="ellipse", p=1)]), [raw])
    np.testing.assert_allclose(sample.boxes, [bright_box(sample.image)], atol=1.6)
    np.testing.assert_allclose(sample.boxes, [[11, 10.9, 53, 37.1]], atol=0.7)


def test_what_a_shift_cuts_off_becomes_ignored_or_goes() -> None:
    boxes = np.array([[0, 10, 10, 20], [4, 25, 14, 35], [40, 10, 50, 20]], np.float32)
    raw = raw_of(np.zeros(SIZE, np.uint8), boxes)
    sample = run(one_patch([A.Affine(translate_px={"x": (-12, -12), "y": (0, 0)}, p=1)]), [raw])
    np.testing.assert_allclose(sample.boxes, [[0, 25, 2, 35], [28, 10, 38, 20]], atol=1e-3)
    np.testing.assert_array_equal(sample.ignored, [True, False])


def test_labels_and_ignored_regions_stay_with_their_boxes() -> None:
    raw = RawSample(
        np.zeros(SIZE, np.uint8),
        (0.0, 255.0),
        np.array([[0, 0, 8, 8], [30, 8, 42, 18], [50, 20, 60, 40]], np.float32),
        np.array([2, -1, 0]),
        np.array([False, True, False]),
        9,
    )
    moves = [A.Affine(translate_px={"x": (-12, -12), "y": (0, 0)}, p=1), A.HorizontalFlip(p=1)]
    sample = run(one_patch(moves), [raw])
    np.testing.assert_allclose(sample.boxes, [[34, 8, 46, 18], [16, 20, 26, 40]], atol=1e-3)
    np.testing.assert_array_equal(sample.labels, [-1, 0])
    np.testing.assert_array_equal(sample.ignored, [True, False])
    assert sample.image_id == 9


def scenes(count: int = 5) -> list[RawSample]:
    rng = np.random.default_rng(4)
    made = []
    for _ in range(count):
        corners = rng.uniform(0, 60, (6, 2))
        boxes = np.concatenate((corners, corners + rng.uniform(3, 25, (6, 2))), 1).astype(np.float32)
        made.append(raw_of(rng.integers(0, 256, (90, 120), dtype=np.uint8), boxes))
    return made


def test_the_defaults_give_valid_samples() -> None:
    transform, raws = TrainTransform(SIZE), scenes()
    for seed in range(60):
        sample = run(transform, raws, seed=seed)
        assert sample.image.shape == SIZE
        assert sample.image.dtype == np.float32
        assert sample.image.min() >= 0
        assert sample.image.max() <= 1
        assert sample.boxes.dtype == np.float32
        assert len(sample.boxes) == len(sample.labels) == len(sample.ignored)
        assert (sample.boxes >= 0).all()
        assert (sample.boxes <= np.array((64, 48, 64, 48))).all()
        assert (areas(sample.boxes) > 0).all()


def test_the_seed_alone_decides() -> None:
    """Also after the transform's own generators have been used for something else."""
    transform, raws = TrainTransform(SIZE), scenes()
    for seed in range(8):
        first = run(transform, raws, seed=seed)
        run(transform, raws, seed=seed + 1000)
        assert_same_sample(first, run(transform, raws, seed=seed))
        assert_same_sample(first, run(TrainTransform(SIZE), raws, seed=seed))


def test_seeds_differ() -> None:
    transform, raws = TrainTransform(SIZE), scenes()
    means = {float(run(transform, raws, seed=seed).image.mean()) for seed in range(20)}
    assert len(means) == 20


def test_mosaics_end_with_their_epochs() -> None:
    """Frame 0 is black and all others are white, so only a mosaic has white pixels."""
    black = raw_of(np.zeros((90, 120), np.uint8), np.zeros((0, 4), np.float32))
    white = raw_of(np.full((90, 120), 255, np.uint8), np.zeros((0, 4), np.float32))
    transform = TrainTransform(SIZE, mosaic_probability=1, mosaic_epochs=3, geometry=[], intensity=[])
    raws = [black, *[white] * 20]
    assert [run(transform, raws, epoch=epoch).image.max() > 0 for epoch in (0, 2, 3, 9)] == [1, 1, 0, 0]


def test_the_share_of_mosaics_is_the_probability() -> None:
    black = raw_of(np.zeros((90, 120), np.uint8), np.zeros((0, 4), np.float32))
    white = raw_of(np.full((90, 120), 255, np.uint8), np.zeros((0, 4), np.float32))
    transform = TrainTransform(SIZE, mosaic_probability=0.3, geometry=[], intensity=[])
    raws = [black, *[white] * 20]
    mixed = np.mean([run(transform, raws, seed=seed).image.max() > 0 for seed in range(200)])
    assert mixed == pytest.approx(0.3, abs=0.1)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UserError, match="scale"):
        TrainTransform(SIZE, (1.2, 0.5))
    with pytest.raises(UserError, match="mosaic_probability"):
        TrainTransform(SIZE, mosaic_probability=1.5)
