import random
from typing import Any

import cv2
import numpy as np
import pytest

from detector.data.augment.thermal import DeadColumns, DeadPixels, InvertPolarity, Netd, Stripes
from detector.errors import UserError
from tests.built import built

RAMP = np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(24, 32)
FLAT = np.full((60, 80), 0.5, np.float32)


def draw(transform: Any, image: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """What it makes of the picture, which stays as it was."""
    before = image.copy()
    transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
    made = transform(image=image)["image"]
    np.testing.assert_array_equal(image, before)
    assert made.dtype == np.float32
    return made


def test_inverting_twice_gives_the_picture_back() -> None:
    invert = InvertPolarity(p=1)
    once = invert(image=RAMP)["image"]
    np.testing.assert_allclose(once, 1 - RAMP)
    np.testing.assert_allclose(invert(image=once)["image"], RAMP, atol=1e-7)


def test_local_gain_stays_within_its_limits_and_is_smooth() -> None:
    transform = built("augment/default:intensity.drift", gain=0.2, offset=0.1, p=1)
    for seed in range(10):
        image = draw(transform, FLAT, seed=seed)
        assert np.abs(image - 0.5).max() <= 0.5 * 0.2 + 0.1 + 1e-6
        assert image.std() > 0.005
        # The field has 3 x 3 nodes, so neighbours differ by far less than the picture does.
        assert np.abs(np.diff(image)).max() < 0.25 * (image.max() - image.min())


def test_local_gain_is_clipped_and_zero_limits_change_nothing() -> None:
    image = draw(built("augment/default:intensity.drift", gain=0.9, offset=0.9, p=1), RAMP)
    assert image.min() == 0
    assert image.max() == 1
    np.testing.assert_allclose(
        built("augment/default:intensity.drift", gain=0, offset=0, p=1)(image=RAMP)["image"], RAMP
    )


def test_netd_has_the_deviation_asked_for_and_no_pattern() -> None:
    transform = built("augment/default:intensity.netd", std=(0.02, 0.02), p=1)
    noise = np.stack([draw(transform, FLAT, seed=seed) for seed in range(20)]) - 0.5
    assert noise.std() == pytest.approx(0.02, rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=4 * 0.02 / np.sqrt(noise.size))
    # Neither neighbours nor the same pixel of two frames have anything in common.
    for one, other in (
        (noise[:, :, 1:], noise[:, :, :-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[1:], noise[:-1]),
    ):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_netd_draws_its_deviation_evenly_between_the_limits() -> None:
    transform = built("augment/default:intensity.netd", std=(0.01, 0.03), p=1)
    deviations = np.array([draw(transform, FLAT, seed=seed).std() for seed in range(200)])
    assert deviations.min() == pytest.approx(0.01, abs=0.001)
    assert deviations.max() == pytest.approx(0.03, abs=0.001)
    assert deviations.mean() == pytest.approx(0.02, abs=0.0015)


def test_netd_may_depend_on_the_signal() -> None:
    """Slope -1: at values 0.25, 0.5, 0.75 the deviation is 1.25, 1 and 0.75 times the one asked for."""
    levels = np.repeat(np.array((0.25, 0.5, 0.75), np.float32), 4000).reshape(3, 4000)
    noise = draw(Netd(std=(0.02, 0.02), slope=-1.0, p=1), levels) - levels
    np.testing.assert_allclose(noise.std(1), [0.025, 0.02, 0.015], rtol=0.05)


def test_stripes_are_one_offset_to_a_column_and_one_to_a_row() -> None:
    columns = draw(Stripes(column=(0.02, 0.02), row=(0, 0), p=1), FLAT)
    np.testing.assert_array_equal(columns, np.broadcast_to(columns[:1], columns.shape))
    rows = draw(Stripes(column=(0, 0), row=(0.02, 0.02), p=1), FLAT)
    np.testing.assert_array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape))
    both = draw(Stripes(column=(0.02, 0.02), row=(0.02, 0.02), p=1), FLAT) - 0.5
    assert both.std() > 0.02
    rest = both - both.mean(0, keepdims=True) - both.mean(1, keepdims=True) + both.mean()
    np.testing.assert_allclose(rest, 0, atol=1e-6)


def test_stripes_have_the_deviations_asked_for() -> None:
    transform = Stripes(column=(0.03, 0.03), row=(0.01, 0.01), p=1)
    patterns = np.stack([draw(transform, FLAT, seed=seed) for seed in range(60)]) - 0.5
    assert np.mean(patterns.mean(1).std(1)) == pytest.approx(0.03, rel=0.05)
    assert np.mean(patterns.mean(2).std(1)) == pytest.approx(0.01, rel=0.05)


def test_dead_pixels_are_as_many_as_asked_for_and_stuck() -> None:
    transform = DeadPixels(share=(0.01, 0.03), cluster=0.0, p=1)
    dead = np.stack([draw(transform, FLAT, seed=seed) for seed in range(100)])
    assert set(np.unique(dead)) == {0.0, 0.5, 1.0}
    # A pixel drawn twice counts once, which is rare.
    assert np.mean(dead != 0.5) == pytest.approx(0.02, abs=0.0015)
    assert np.mean(dead[dead != 0.5]) == pytest.approx(0.5, abs=0.02)
    assert np.mean(dead != 0.5, axis=0).max() < 0.2  # nowhere in particular


def test_clusters_are_blocks_of_four_pixels_and_more() -> None:
    transform = DeadPixels(share=(0.002, 0.002), cluster=1.0, p=1)
    sizes = []
    for seed in range(30):
        dead = (draw(transform, FLAT, seed=seed) != 0.5)[:-3, :-3].astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(dead)
        away = (stats[1:, 0] + stats[1:, 2] < 77) & (stats[1:, 1] + stats[1:, 3] < 57)
        sizes += stats[1:][away, cv2.CC_STAT_AREA].tolist()
    assert len(sizes) > 100
    assert min(sizes) == 4
    assert set(sizes) >= {4, 6, 9}


def test_dead_columns_are_stuck_to_their_end() -> None:
    transform = DeadColumns(max_columns=3, p=1)
    counts = []
    for seed in range(100):
        dead = draw(transform, FLAT, seed=seed) != 0.5
        columns = np.flatnonzero(dead.any(0))
        counts.append(len(columns))
        for column in columns:
            first = np.flatnonzero(dead[:, column])[0]
            assert dead[first:, column].all()
    # One to three, two of them in the same column now and then.
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize(
    "make",
    [
        lambda: built("augment/default:intensity.netd", std=(0.03, 0.01)),
        lambda: built("augment/default:intensity.netd", slope=2.0),
        lambda: built("augment/default:intensity.stripes", column=(-0.1, 0.1)),
        lambda: built("augment/default:intensity.stripes", row=(0.2, 0.1)),
        lambda: built("augment/default:intensity.dead_pixels", share=(0.1, 1.1)),
        lambda: built("augment/default:intensity.dead_pixels", cluster=1.5),
        lambda: built("augment/default:intensity.dead_columns", max_columns=0),
    ],
)
def test_impossible_strengths_are_refused(make: Any) -> None:
    with pytest.raises(UserError, match="found"):
        make()
