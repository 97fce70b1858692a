import functools
import pickle
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest

from detector.data.augment.patch import areas
from detector.data.augment.recipe import PatchTransform
from detector.data.augment.thermal import InvertPolarity
from detector.data.loading.padding import PAD_VALUE, WholeFrame
from detector.data.loading.sample import RawSample, Sample
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import assert_same_sample, bright_box, raw_of, raw_with_rectangle
from tests.unit.data.recipes import patches, recipe

SIZE = (48, 64)
SMALL = "augment.size=[48,64]"


@functools.cache
def shared(name: str) -> Any:
    """One that several tests share; nothing that they do with it may change it."""
    return recipe(name, SMALL)


def one_patch(
    geometry: Sequence[A.DualTransform], *, intensity: Sequence[A.ImageOnlyTransform] = ()
) -> PatchTransform:
    """No scaling, no mosaic: what is left is the given transforms."""
    return patches(SIZE, scale=(1, 1), mosaic_probability=0, geometry=geometry, intensity=intensity)


def run(transform: PatchTransform, raws: Sequence[RawSample], *, seed: int = 0, epoch: int = 0) -> Sample:
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


class CutShift(A.Affine):
    """Some transforms cut boxes to the picture themselves."""

    def apply_to_bboxes(self, bboxes: np.ndarray, *args: Any, **params: Any) -> np.ndarray:
        moved = super().apply_to_bboxes(bboxes, *args, **params)
        return np.concatenate((moved[:, :4].clip(0, 1), moved[:, 4:]), axis=1)


def test_what_is_left_of_an_object_is_told_from_what_it_was_before_a_transform_cut_it() -> None:
    raw = raw_of(np.zeros(SIZE, np.uint8), np.array([[4, 25, 14, 35], [9, 10, 19, 20]], np.float32))
    sample = run(one_patch([CutShift(translate_px={"x": (-12, -12), "y": (0, 0)}, p=1)]), [raw])
    np.testing.assert_allclose(sample.boxes, [[0, 25, 2, 35], [0, 10, 7, 20]], atol=1e-3)
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


@pytest.mark.parametrize("name", ["default", "strong"])
def test_recipes_give_valid_samples(name: str) -> None:
    transform, raws = shared(name), scenes()
    for seed in range(60):
        sample = run(transform, raws, seed=seed)
        assert sample.image.shape == SIZE
        assert sample.image.dtype == np.float32
        assert sample.image.min() >= 0
        assert sample.image.max() <= 1
        assert sample.boxes.dtype == np.float32
        assert sample.labels.dtype == np.int64
        assert len(sample.boxes) == len(sample.labels) == len(sample.ignored)
        assert (sample.boxes >= 0).all()
        assert (sample.boxes <= np.array((64, 48, 64, 48))).all()
        assert (areas(sample.boxes) > 0).all()


@pytest.mark.parametrize("name", ["default", "strong"])
def test_the_seed_alone_decides(name: str) -> None:
    """Also after the transform's own generators have been used for something else, and in another worker."""
    transform, raws = shared(name), scenes()
    elsewhere = pickle.loads(pickle.dumps(transform))
    for seed in range(12):
        first = run(transform, raws, seed=seed)
        run(transform, raws, seed=seed + 1000)
        assert_same_sample(first, run(transform, raws, seed=seed))
        assert_same_sample(first, run(elsewhere, raws, seed=seed))


@pytest.mark.parametrize("name", ["default", "strong"])
def test_seeds_differ(name: str) -> None:
    transform, raws = shared(name), scenes()
    means = {float(run(transform, raws, seed=seed).image.mean()) for seed in range(20)}
    assert len(means) == 20


def test_mosaics_end_with_their_epochs() -> None:
    """Frame 0 is black and all others are white, so only a mosaic has white pixels."""
    black = raw_of(np.zeros((90, 120), np.uint8), np.zeros((0, 4), np.float32))
    white = raw_of(np.full((90, 120), 255, np.uint8), np.zeros((0, 4), np.float32))
    transform = patches(SIZE, mosaic_probability=1, mosaic_epochs=3)
    raws = [black, *[white] * 20]
    assert [run(transform, raws, epoch=epoch).image.max() > 0 for epoch in (0, 2, 3, 9)] == [1, 1, 0, 0]


def test_the_share_of_mosaics_is_the_probability() -> None:
    black = raw_of(np.zeros((90, 120), np.uint8), np.zeros((0, 4), np.float32))
    white = raw_of(np.full((90, 120), 255, np.uint8), np.zeros((0, 4), np.float32))
    transform = patches(SIZE, mosaic_probability=0.3)
    raws = [black, *[white] * 20]
    mixed = np.mean([run(transform, raws, seed=seed).image.max() > 0 for seed in range(200)])
    assert mixed == pytest.approx(0.3, abs=0.1)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UserError, match="scale"):
        patches(SIZE, scale=(1.2, 0.5))
    with pytest.raises(UserError, match="mosaic_probability"):
        patches(SIZE, mosaic_probability=1.5)
    with pytest.raises(UserError, match=r"augment.objects.0.p: must be in \[0, 1\], found 3"):
        patches(SIZE, objects=[built("augment/default:objects.copy_paste", p=3)])
    with pytest.raises(UserError, match=r"augment.size=\[48, 64\]: must be multiples of the stride 32"):
        patches(SIZE, multiple=32)


def test_pasted_objects_are_turned_with_the_picture_and_end_with_their_epochs() -> None:
    """Frame 0 is empty ground; the others have one bright rectangle to take."""
    empty = raw_of(np.full(SIZE, 100, np.uint8), np.zeros((0, 4), np.float32))
    counts = np.full(SIZE, 100, np.uint8)
    counts[10:22, 20:36] = 250
    full = raw_of(counts, np.array([[20, 10, 36, 22]], np.float32))
    transform = patches(
        SIZE,
        scale=(1, 1),
        mosaic_probability=0,
        mosaic_epochs=2,
        objects=[built("augment/default:objects.copy_paste", max_objects=1, p=1.0)],
        geometry=[A.HorizontalFlip(p=1), A.VerticalFlip(p=1)],
        intensity=[A.RandomGamma(p=1)],
    )
    raws = [empty, *[full] * 30]
    pasted = 0
    for seed in range(20):
        sample = run(transform, raws, seed=seed, epoch=1)
        pasted += len(sample.boxes)
        if len(sample.boxes):
            np.testing.assert_allclose(
                sample.boxes, [bright_box(sample.image / sample.image.max())], atol=1.01
            )
        assert len(run(transform, raws, seed=seed, epoch=2).boxes) == 0
    assert pasted > 15


def test_the_rule_s_limit_rules_what_is_hidden() -> None:
    """Half of the object is hidden by the pasted one: ignored or not by the limit."""

    class Cover:
        p = 1.0

        def __call__(self, layers: Any, frames: Any, *, rng: Any) -> None:  # noqa: ARG002
            layers.put((slice(0, 48), slice(0, 20)), np.zeros((48, 20)), hides=np.ones((48, 20), bool))

    raw = raw_with_rectangle((10, 10, 30, 30), size=SIZE)
    for limit, ignored in ((0.4, False), (0.6, True)):
        rule = built("augment/default:rule", min_visible=limit)
        transform = patches(SIZE, scale=(1, 1), mosaic_probability=0, objects=[Cover()], rule=rule)
        sample = run(transform, [raw])
        np.testing.assert_array_equal(sample.boxes, [[20, 10, 30, 30]])
        np.testing.assert_array_equal(sample.ignored, [ignored])


STRONG = ["polarity", "drift", "brightness_contrast", "gamma", "blur", "defocus", "motion", "netd", "stripes"]
STRONG += ["dead_pixels", "dead_columns"]


def test_the_recipe_s_steps_in_their_order() -> None:
    """The default has those that were measured; strong has all, with netd in place of noise."""
    default, strong = shared("default"), shared("strong")
    assert default.objects == {}
    assert list(strong.objects) == [
        f"objects.{n}" for n in ("contrast", "copy_paste", "pole", "foliage", "ground")
    ]
    assert list(strong.intensity) == [f"intensity.{name}" for name in STRONG]
    measured = ("polarity", "drift", "brightness_contrast", "gamma", "blur", "noise")
    assert list(default.intensity) == [f"intensity.{name}" for name in measured]
    for transform in (default, strong):
        assert list(transform.geometry) == ["geometry.flip", "geometry.turn"]
        assert transform.geometry["geometry.turn"].fill == PAD_VALUE


@pytest.mark.parametrize("name", STRONG)
def test_every_intensity_step_keeps_the_picture_s_type_and_range(name: str) -> None:
    step = shared("strong").intensity[f"intensity.{name}"]
    for level in (0.0, 0.5, 1.0):
        noise = 0.3 * np.random.default_rng(0).standard_normal(SIZE)
        image = np.clip(level + noise, 0, 1).astype(np.float32)
        before = image.copy()
        for seed in range(5):
            step.set_random_state(np.random.default_rng(seed), random.Random(seed))
            made = step(force_apply=True, image=image)["image"]
            assert (made.shape, made.dtype) == (SIZE, np.float32)
            assert made.min() >= 0
            assert made.max() <= 1
            np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", ["defocus", "motion"])
def test_blur_spreads_a_point_and_keeps_its_sum(name: str) -> None:
    step = shared("strong").intensity[f"intensity.{name}"]
    point = np.zeros(SIZE, np.float32)
    point[20, 30] = 1.0
    for seed in range(10):
        step.set_random_state(np.random.default_rng(seed), random.Random(seed))
        made = step(force_apply=True, image=point)["image"]
        assert made.sum() == pytest.approx(1, abs=1e-3)
        assert made.max() < 0.8
        assert made[:14].max() < 1e-12
        assert made[:, 37:].max() < 1e-12


def test_steps_are_turned_off_taken_out_and_added_from_the_command_line() -> None:
    transform = recipe(
        "default",
        "augment.intensity.noise.p=0",
        "~augment.intensity.blur",
        "augment.objects.copy_paste.p=0.5",
        "+augment.intensity.sharpen.name=Sharpen",
        "+augment.intensity.sharpen.p=0.2",
    )
    names = ("polarity", "drift", "brightness_contrast", "gamma", "sharpen")
    assert list(transform.intensity) == [f"intensity.{name}" for name in names]
    assert isinstance(transform.intensity["intensity.sharpen"], A.Sharpen)
    assert transform.objects["objects.copy_paste"].p == 0.5


def test_a_step_may_hold_others() -> None:
    either = "{name: Blur, p: 1}, {name: MedianBlur, p: 1}"
    group = f"{{name: OneOf, transforms: [{either}], p: 0.5}}"
    transform = recipe("default", SMALL, f"+augment.intensity.either={group}")
    raws = scenes()
    assert_same_sample(run(transform, raws, seed=3), run(transform, raws, seed=3))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "+augment.intensity.noise.std_rnge=[0.1,0.2]",
            r"augment.intensity.noise.std_rnge: no such setting; .* did you mean std_range",
        ),
        (
            "+augment.intensity.x={name: HorizontalFlip}",
            r"augment.intensity.x: may move objects; it belongs under augment.geometry",
        ),
        (
            "+augment.intensity.x={name: OneOf, transforms: [{name: Blur}, {name: Transpose}]}",
            r"augment.intensity.x: may move objects; it belongs under augment.geometry",
        ),
        (
            "+augment.geometry.x={name: RandomRotate90}",
            r"augment.geometry.x: RandomRotate90 makes float32 \(64, 48\) of float32 \(48, 64\).*"
            "make augment.size square",
        ),
        (
            "+augment.intensity.x={name: FromFloat}",
            r"augment.intensity.x: FromFloat makes uint8",
        ),
        (
            "+augment.intensity.x={name: ISONoise}",
            r"augment.intensity.x: ISONoise fails on a float picture of one channel",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Argument:UserWarning")
def test_a_step_that_cannot_be_is_refused_when_built(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        recipe("default", override, SMALL)


def test_steps_that_never_happen_cost_nothing() -> None:
    never = built("augment/default:objects.copy_paste", p=0)
    transform = patches(SIZE, objects=[never], intensity=[InvertPolarity(p=0)])
    assert transform.objects == transform.intensity == {}


@pytest.mark.parametrize("size", [(96, 128), (90, 120), (81, 113)])
def test_a_whole_frame_is_gained_and_padded_and_nothing_else(size: tuple[int, int]) -> None:
    """16-bit counts, right and below filled up to multiples of 16; the same in every epoch."""
    counts = np.random.default_rng(0).integers(7000, 9000, size, dtype=np.uint16)
    boxes = np.array([[3, 4, 20, 30]], np.float32)
    raw = RawSample(counts, (7100.5, 8800.25), boxes, np.ones(1, int), np.ones(1, bool), 5)
    transform = recipe("none")
    assert isinstance(transform, WholeFrame)
    for epoch in range(3):
        sample = transform([raw], 0, epoch=epoch, rng=np.random.default_rng(epoch))
        assert sample.image.shape == (96, 128)
        np.testing.assert_array_equal(sample.image[: size[0], : size[1]], raw.image())
        assert (sample.image[size[0] :] == PAD_VALUE).all()
        assert (sample.image[:, size[1] :] == PAD_VALUE).all()
        assert_same_sample(sample, replace(sample, boxes=boxes, labels=raw.labels, ignored=raw.ignored))
