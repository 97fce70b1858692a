import numpy as np
import pytest

from detector.data.augment.mosaic import mosaic
from detector.data.augment.patch import VisibilityRule, areas, cut_patch, random_scale
from detector.data.loading.padding import PAD_VALUE
from detector.data.loading.sample import RawSample, Sample
from tests.built import built
from tests.unit.data.builders import bright_box, empty_raw, raw_of, raw_with_rectangle

KEEP_ALL = VisibilityRule(min_visible=0, min_side=0)


def boxes_of(*boxes: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def sample_with(boxes: np.ndarray, *, size: tuple[int, int] = (20, 30), ignored: bool = False) -> Sample:
    n = len(boxes)
    return Sample(np.zeros(size, np.float32), boxes, np.arange(n), np.full(n, ignored), 1)


def assert_box_on_rectangle(sample: Sample, atol: float) -> bool:
    """The sample's only box is around its only rectangle; False where the rectangle is out of sight."""
    found = bright_box(sample.image)
    if found is None or areas(found[None])[0] < 20:
        return False
    assert len(sample.boxes) == 1
    np.testing.assert_allclose(sample.boxes[0], found, atol=atol)
    return True


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.8, 1.0, 1.25, 2.0])
def test_the_box_follows_the_rectangle_through_crop_and_scale(scale: float) -> None:
    raw = raw_with_rectangle((40, 30, 70, 55))
    checked = 0
    for seed in range(30):
        patch = cut_patch(raw, (48, 64), scale=scale, rng=np.random.default_rng(seed))
        assert patch.image.shape == (48, 64)
        checked += assert_box_on_rectangle(KEEP_ALL.apply(patch, areas(patch.boxes)), atol=1.01)
    assert checked > 10


def test_at_scale_one_pixels_are_copied() -> None:
    counts = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    raw = raw_of(counts, boxes_of((0, 0, 9, 9)))
    patch = cut_patch(raw, (40, 50), scale=1.0, rng=np.random.default_rng(3))
    left, top = (-patch.boxes[0, :2]).astype(int)
    np.testing.assert_array_equal(patch.image, raw.image()[top : top + 40, left : left + 50])


def test_a_frame_smaller_than_the_patch_lies_in_it_whole() -> None:
    raw = raw_of(np.full((20, 40), 255, np.uint8), boxes_of((0, 0, 40, 20)))
    places = set()
    for seed in range(10):
        patch = cut_patch(raw, (32, 64), scale=0.5, rng=np.random.default_rng(seed))
        np.testing.assert_allclose(patch.boxes[0], bright_box(patch.image))
        np.testing.assert_allclose(areas(patch.boxes), 10 * 20)
        assert patch.image.sum() == pytest.approx(10 * 20)
        assert patch.image.min() == PAD_VALUE
        places.add(tuple(patch.boxes[0, :2]))
    assert len(places) > 5


@pytest.mark.parametrize("factor", [2, 4])
def test_shrinking_averages_pixels(factor: int) -> None:
    """Blocks of pixels become their mean: nothing is skipped, as linear interpolation to a quarter would."""
    counts = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    side = 64 // factor
    patch = cut_patch(
        raw_of(counts, boxes_of()), (side, side), scale=1 / factor, rng=np.random.default_rng(0)
    )
    expected = counts.reshape(side, factor, side, factor).mean((1, 3)) / 255
    np.testing.assert_allclose(patch.image, expected, atol=1e-6)


def test_random_scale_is_as_often_halved_as_doubled() -> None:
    rng = np.random.default_rng(0)
    scales = np.array([random_scale((0.5, 2.0), rng) for _ in range(4000)])
    assert scales.min() >= 0.5
    assert scales.max() <= 2
    assert np.median(scales) == pytest.approx(1, abs=0.05)


def test_rule_by_hand() -> None:
    """Size 30x20. Inside; half out; a fifth left; thin sliver; only touching the edge."""
    boxes = boxes_of((2, 2, 12, 12), (-5, 0, 5, 10), (28, 5, 38, 15), (10, 19, 20, 29), (30, 0, 40, 10))
    rule = VisibilityRule(min_visible=0.3, min_side=1.5)
    kept = rule.apply(sample_with(boxes), areas(boxes))
    np.testing.assert_allclose(kept.boxes, [[2, 2, 12, 12], [0, 0, 5, 10], [28, 5, 30, 15], [10, 19, 20, 20]])
    np.testing.assert_array_equal(kept.labels, [0, 1, 2, 3])
    np.testing.assert_array_equal(kept.ignored, [False, False, True, True])


def test_rule_keeps_an_object_of_which_just_enough_is_left() -> None:
    boxes = boxes_of((-5, 0, 5, 10))
    rule = VisibilityRule(min_visible=0.5, min_side=1.5)
    assert rule.apply(sample_with(boxes), areas(boxes)).ignored.tolist() == [False]


def test_rule_ignores_what_became_too_small_to_learn() -> None:
    boxes = boxes_of((3, 3, 4, 9), (3, 3, 5, 9))
    kept = VisibilityRule(min_visible=0.3, min_side=1.5).apply(sample_with(boxes), areas(boxes))
    np.testing.assert_array_equal(kept.ignored, [True, False])


def test_rule_keeps_every_ignored_region_that_is_in_sight() -> None:
    boxes = boxes_of((-90, -90, 1, 1), (2, 2, 12, 12))
    kept = built("augment/default:rule").apply(sample_with(boxes, ignored=True), areas(boxes))
    np.testing.assert_allclose(kept.boxes, [[0, 0, 1, 1], [2, 2, 12, 12]])
    assert kept.ignored.all()


def test_rule_on_no_boxes() -> None:
    empty = boxes_of()
    assert built("augment/default:rule").apply(sample_with(empty), areas(empty)).boxes.shape == (0, 4)


@pytest.mark.parametrize("corner", range(4))
def test_mosaic_puts_the_box_of_each_corner_on_its_rectangle(corner: int) -> None:
    raws: list[RawSample] = [empty_raw() for _ in range(4)]
    raws[corner] = raw_with_rectangle((30, 20, 90, 70))
    checked = 0
    for seed in range(30):
        sample = mosaic(raws, (64, 80), scale=(0.4, 1.5), rule=KEEP_ALL, rng=np.random.default_rng(seed))
        assert sample.image.shape == (64, 80)
        checked += assert_box_on_rectangle(sample, atol=1.01)
    assert checked > 10


def test_mosaic_shows_four_frames_and_keeps_their_truth() -> None:
    values = (50, 100, 150, 200)
    raws = [
        raw_of(np.full((90, 120), value, np.uint8), boxes_of((0, 0, 120, 90)), ignored=value == 100)
        for value in values
    ]
    sample = mosaic(raws, (64, 80), scale=(1, 1), rule=KEEP_ALL, rng=np.random.default_rng(0))
    corners = sample.image[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, np.array(values) / 255, rtol=1e-6)
    # The four boxes cover all of their tiles, so together the picture, without overlap.
    np.testing.assert_allclose(areas(sample.boxes).sum(), 64 * 80)
    np.testing.assert_array_equal(sample.ignored, [False, True, False, False])
    for box, value in zip(sample.boxes.astype(int), values, strict=True):
        np.testing.assert_allclose(sample.image[box[1] : box[3], box[0] : box[2]], value / 255, rtol=1e-6)
