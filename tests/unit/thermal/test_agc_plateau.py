from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.thermal.agc import PlateauEqualisation
from tests.built import built
from tests.unit.thermal.agc_builders import frame_of, scene


def naive(values: list[int], limit: float) -> list[float]:
    """The docstring's formula, count by count."""
    pixels = Counter(values)
    levels = sorted(pixels)
    plateau = max(limit * len(values) / len(levels), 1)
    result = []
    for value in values:
        upto = sum(min(pixels[level], plateau) for level in levels[1:] if level <= value)
        result.append(upto / sum(min(pixels[level], plateau) for level in levels[1:]))
    return result


def test_hand_computed() -> None:
    # Mean bin: 10 pixels on 4 counts, 2.5. With limit 0.8 no bin weighs more than 2: 1, 2, 1 after the first.
    frame = frame_of([5, 5, 5, 8, 9, 9, 9, 9, 9, 100])
    image = PlateauEqualisation(0.8, min_levels=2)(frame)
    np.testing.assert_allclose(image[0, [0, 3, 4, 9]], [0, 0.25, 0.75, 1], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.integers(0, 12) | st.integers(0, 65535), min_size=2, max_size=60).filter(
        lambda values: len(set(values)) > 1
    ),
    limit=st.sampled_from([0, 0.3, 1, 2.5, np.inf]),
)
def test_equals_the_naive_formula(values: list[int], limit: float) -> None:
    image = PlateauEqualisation(limit, min_levels=2)(frame_of(values))
    np.testing.assert_allclose(image[0], naive(values, limit), atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_limit_it_is_opencv_s_equalisation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.clip(rng.normal(90, 12, (40, 50)), 0, 255).astype(np.uint8)
    image = built("thermal/plateau", limit=np.inf)(frame_of(counts, 8))
    # OpenCV rounds to whole steps of 255.
    np.testing.assert_allclose(255 * image, cv2.equalizeHist(counts), atol=0.51)


def test_with_a_limit_of_0_the_counts_that_occur_are_evenly_spaced() -> None:
    frame = frame_of([3, 3, 3, 3, 7, 1000, 1000, 60000])
    image = PlateauEqualisation(0, min_levels=2)(frame)
    np.testing.assert_allclose(image[0, [0, 4, 5, 7]], [0, 1 / 3, 2 / 3, 1], atol=1e-5)


def test_every_level_survives_where_a_bin_is_worth_less_than_a_step() -> None:
    # 160 000 pixels, nearly all of one count: a count of one pixel is worth 0.4 steps of uint16.
    counts = np.full((400, 400), 8000, np.uint16)
    counts[0, :300] = 8000 + np.arange(-150, 150)
    values = built("thermal/plateau", limit=np.inf).prepare(frame_of(counts))[0]
    ladder = values[0, :300].astype(int)
    assert (np.diff(ladder) >= 1).all()
    assert ladder[0] == 0
    assert ladder[-1] == 65535
    assert len(np.unique(values)) == 300


def test_a_frame_of_few_levels_is_not_blown_up() -> None:
    agc = built("thermal/plateau", min_levels=11)
    np.testing.assert_allclose(agc(frame_of([500, 500])), [[0.5, 0.5]], atol=1e-5)
    # Three levels are two steps of ten.
    np.testing.assert_allclose(agc(frame_of([500, 501, 502])), [[0.4, 0.5, 0.6]], atol=1e-5)


def test_gain_and_offset_of_the_camera_change_nothing() -> None:
    frame = scene()
    other = frame_of(3 * frame.counts + 1000)
    np.testing.assert_array_equal(built("thermal/plateau")(frame), built("thermal/plateau")(other))


def test_impossible_settings_are_refused() -> None:
    for limit in (-1, float("nan")):
        with pytest.raises(UserError, match="limit must be at least 0"):
            built("thermal/plateau", limit=limit)
    with pytest.raises(UserError, match="min_levels must be at least 2, found 1"):
        built("thermal/plateau", min_levels=1)
