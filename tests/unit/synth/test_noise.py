"""Fractal texture."""

import numpy as np

from detector.synth.noise import fractal_tile, sample_tile


def test_the_power_falls_with_the_slope_asked_for():
    tile = fractal_tile(np.random.default_rng(0), size=256, slope=-2.5)
    power = np.abs(np.fft.fft2(tile)) ** 2
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
    low, high = (power[np.abs(radius - f) < 0.01].mean() for f in (0.05, 0.4))
    slope = np.log(high / low) / np.log(0.4 / 0.05)
    assert abs(slope + 2.5) < 0.2
    assert abs(tile.mean()) < 1e-4
    assert abs(tile.std() - 1) < 1e-4


def test_sampling_at_whole_pixels_gives_the_tile_and_wraps():
    tile = fractal_tile(np.random.default_rng(0), size=8, slope=-1.0)
    y, x = np.mgrid[0:8, 0:8].astype(float)
    np.testing.assert_allclose(sample_tile(tile, x, y), tile, atol=1e-6)
    np.testing.assert_allclose(sample_tile(tile, x + 8, y - 16), tile, atol=1e-6)


def test_sampling_across_the_seam_blends_last_and_first_pixel():
    tile = fractal_tile(np.random.default_rng(0), size=8, slope=-1.0)
    between = sample_tile(tile, np.array([[7.5]]), np.array([[3.0]]))
    assert abs(float(between[0, 0]) - (tile[3, 7] + tile[3, 0]) / 2) < 1e-5
