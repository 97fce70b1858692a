"""The yardsticks, held against pictures whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from detector.data.looks import (
    BINS,
    distance,
    line_shares,
    measure,
    neighbour_noise,
    object_contrast,
    radial_spectrum,
    spectrum_slope,
    table,
)
from detector.structures import Frame
from detector.synth.noise import fractal_tile


def noise(*, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((128, 128))


@pytest.mark.parametrize("slope", [0.0, -2.0, -3.0])
def test_the_slope_of_known_noise_is_found(slope):
    tiles = [fractal_tile(np.random.default_rng(seed), size=128, slope=slope) for seed in range(8)]
    found = np.mean([spectrum_slope(radial_spectrum(tile)) for tile in tiles])
    assert found == pytest.approx(slope, abs=0.2)


def test_contrast_of_a_drawn_object_is_the_one_drawn():
    image = np.full((60, 60), 0.2)
    image[::2] += 0.1  # a ring of two values: mean 0.25, deviation 0.05
    image[20:40, 20:40] = 0.75
    contrast, difference = object_contrast(image, np.array((20.0, 20.0, 40.0, 40.0)))
    assert difference == pytest.approx(0.5, abs=0.01)
    assert contrast == pytest.approx(10.0, rel=0.03)
    cold = object_contrast(1 - image, np.array((20.0, 20.0, 40.0, 40.0)))
    assert cold[0] == pytest.approx(-contrast)


def test_contrast_survives_a_flat_ring_and_the_border():
    flat = np.zeros((20, 20))
    flat[0:5, 0:5] = 0.5
    assert object_contrast(flat, np.array((-3.0, -3.0, 5.0, 5.0))) == pytest.approx((50.0, 0.5))
    assert object_contrast(flat, np.array((0.0, 0.0, 20.0, 20.0))) == (0.0, 0.0)  # no ring is left


def test_white_noise_is_measured_and_has_no_line_noise():
    assert neighbour_noise(0.03 * noise()) == pytest.approx(0.03, rel=0.05)
    assert max(line_shares(noise())) < 0.02


@pytest.mark.parametrize("axis", [0, 1])
def test_line_noise_is_found_in_its_own_direction(axis):
    lines = np.random.default_rng(1).standard_normal(128)
    image = noise() + (lines[None, :] if axis == 0 else lines[:, None])
    shares = line_shares(image)
    assert shares[axis] == pytest.approx(0.5, abs=0.15)  # as much variance as the noise
    assert shares[1 - axis] < 0.05


def test_histogram_distance_is_the_mean_shift():
    first, second = np.zeros(BINS), np.zeros(BINS)
    first[4] = second[12] = 1.0
    assert distance(first, second) == pytest.approx(8 / BINS)
    assert distance(first, first) == 0.0


def test_a_set_is_measured_frame_by_frame_and_object_by_object():
    counts = np.rint(30000 + 100 * noise()).astype(np.uint16)
    counts[40:60, 40:60] += 2000
    frames = [
        (Frame(counts, 16, "a"), np.array([(40.0, 40.0, 60.0, 60.0)])),
        (Frame(counts, 16, "b"), np.zeros((0, 4))),
    ]
    looks = measure(frames)
    assert looks.slopes.shape == (2,)
    assert looks.contrasts.shape == (1,)
    assert looks.contrasts[0] > 3
    assert looks.sides[0] == 20
    assert looks.histogram.sum() == pytest.approx(1.0)
    assert looks.spectrum.sum() == pytest.approx(1.0)


def test_eight_and_sixteen_bit_copies_of_a_frame_look_alike():
    small = np.clip(128 + 30 * fractal_tile(np.random.default_rng(0), size=64, slope=-2.0), 0, 255)
    eight = Frame(small.astype(np.uint8), 8, "8")
    sixteen = Frame(28000 + 10 * small.astype(np.uint8).astype(np.uint16), 16, "16")
    first, second = (measure([(frame, np.zeros((0, 4)))]) for frame in (eight, sixteen))
    np.testing.assert_allclose(first.histogram, second.histogram, atol=1e-4)
    assert first.slopes == pytest.approx(second.slopes)


def test_the_table_has_a_column_for_each_set_and_a_dash_where_nothing_was_measured():
    frame = Frame(np.rint(30000 + 100 * noise()).astype(np.uint16), 16, "a")
    with_object = measure([(frame, np.array([(40.0, 40.0, 60.0, 60.0)]))])
    without = replace(with_object, contrasts=np.array([]), differences=np.array([]), sides=np.array([]))
    rows = {name: cells for name, *cells in table({"real": with_object, "synthetic": without})}
    assert rows[""] == ["real", "synthetic"]
    assert rows["object side (pixels)"] == ["20.000 (20.000 .. 20.000)", "-"]
    assert {len(cells) for cells in rows.values()} == {2}
