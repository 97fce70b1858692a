from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detector.data.augment.layers import Layers
from detector.data.augment.occlusion import Occluder, Occlusion, put_in_front
from detector.data.augment.patch import VisibilityRule
from detector.data.loading.sample import Sample
from detector.errors import UserError
from tests.built import built

BOX = np.array((40, 30, 60, 62), np.float32)
INSIDE = slice(30, 62), slice(40, 60)
NAMES = ["pole", "foliage", "ground"]
KEEP_ALL = VisibilityRule(min_visible=0, min_side=0)


def step_of(name: str, **changes: Any) -> Occlusion:
    step: Occlusion = built(f"augment/default:objects.{name}", **changes)
    return step


def layers_with(
    *boxes: np.ndarray, ground_value: Callable[[np.ndarray], np.ndarray] = lambda x: 0.3 * x
) -> Layers:
    """Objects of 1.0 on a ground that grows from 0 to 0.3 to the right."""
    image = np.broadcast_to(ground_value(np.linspace(0, 1, 200)), (120, 200)).astype(np.float32)
    for left, top, right, bottom in np.array(boxes, int):
        image[top:bottom, left:right] = 1.0
    count = len(boxes)
    return Layers(Sample(image, np.stack(boxes), np.zeros(count, int), np.zeros(count, bool), 0))


def hidden_share(layers: Layers) -> float:
    """Share of the object's pixels that are no longer its own."""
    return float(np.mean(layers.image[INSIDE] < 0.6))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_about_the_share_asked_for_is_hidden(name: str, share: float) -> None:
    found = []
    for seed in range(60):
        layers = layers_with(BOX)
        occluder = step_of(name).draw(layers, BOX, share=share, rng=np.random.default_rng(seed))
        assert occluder is not None
        put_in_front(layers, occluder)
        # Now and then a pole or leaves are as warm as the object, and hide it without a trace.
        if occluder.values.mean() < 0.5:
            found.append(hidden_share(layers))
    assert len(found) > 40
    # A pole covers no whole number of columns and may end above the feet.
    assert np.mean(found) == pytest.approx(share, abs=0.06)
    assert np.ptp(found) < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_nothing_changes_out_of_reach(name: str) -> None:
    hits = 0
    for seed in range(20):
        layers = layers_with(BOX)
        before = layers.image.copy()
        step_of(name, p=1.0)(layers, [], rng=np.random.default_rng(seed))
        changed = before != layers.image
        hits += bool(changed[INSIDE].any())
        assert not changed[:, :34].any()
        assert not changed[:, 66:].any()
    assert hits > 15  # a pole may have the object's own temperature


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_is_of_what_is_left(name: str) -> None:
    """By the truth as much is hidden as in the picture: it is ignored just where that is too much."""
    for seed in range(20):
        layers = layers_with(BOX)
        occluder = step_of(name).draw(layers, BOX, share=0.4, rng=np.random.default_rng(seed))
        assert occluder is not None
        put_in_front(layers, Occluder(occluder.values * 0, occluder.opacity, occluder.top, occluder.left))
        share = float(np.mean(layers.image[INSIDE] >= 0.5))
        for limit, ignored in ((share - 0.02, False), (share + 0.02, True)):
            sample = layers.sample(VisibilityRule(min_visible=limit, min_side=0))
            np.testing.assert_array_equal(sample.ignored, [ignored])
        own = layers.image >= 0.5
        rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
        expected = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        np.testing.assert_array_equal(layers.sample(KEEP_ALL).boxes, [expected])


def test_a_pole_stands_upright_from_above_to_the_feet_or_nearer() -> None:
    for seed in range(20):
        layers = layers_with(BOX)
        occluder = step_of("pole").draw(layers, BOX, share=0.3, rng=np.random.default_rng(seed))
        assert occluder.opacity.sum(1) == pytest.approx(0.3 * 20, rel=1e-5)
        foot = occluder.top + len(occluder.values)
        assert 62 <= foot <= 72
        assert 32 <= len(occluder.values) <= 96
        assert np.ptp(occluder.values) == 0


def test_the_ground_is_a_piece_of_the_picture_without_objects() -> None:
    other = np.array((5, 5, 35, 85), np.float32)
    for seed in range(30):
        layers = layers_with(BOX, other)
        occluder = step_of("ground").draw(layers, BOX, share=0.4, rng=np.random.default_rng(seed))
        if occluder is not None:
            assert occluder.values.max() <= 0.3 + 1e-6


def test_no_ground_where_all_is_covered_by_boxes() -> None:
    layers = layers_with(np.array((0, 0, 200, 120), np.float32))
    assert step_of("ground").draw(layers, BOX, share=0.4, rng=np.random.default_rng(0)) is None


def test_what_reaches_out_of_the_picture_is_cut_off() -> None:
    layers = layers_with(BOX)
    whole = np.ones((8, 8), np.float32)
    for top, left in ((-5, -3), (116, 197), (-20, 50)):
        put_in_front(layers, Occluder(whole, whole, top, left))
    assert (layers.image[:3, :5] == 1).all()
    assert (layers.image[116:, 197:] == 1).all()
    assert (layers.image == 1).sum() == 20 * 32 + 3 * 5 + 4 * 3


def test_each_object_has_its_chance_and_small_ones_none() -> None:
    small = np.array((5, 5, 8, 20), np.float32)
    step, touched = step_of("pole", p=0.3), 0
    for seed in range(400):
        layers = layers_with(small, BOX)
        before = layers.image.copy()
        step(layers, [], rng=np.random.default_rng(seed))
        touched += bool((before != layers.image).any())
        np.testing.assert_array_equal(before[:, :34], layers.image[:, :34])
    assert touched / 400 == pytest.approx(0.3, abs=0.07)


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(UserError, match="share"):
        step_of("pole", share=(0.5, 1.0))
