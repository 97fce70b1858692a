"""The earth's geometry, and the yards painted on it."""

import cv2
import numpy as np
import pytest

from detector.synth.camera import Camera, Drone
from detector.synth.climate import Climate
from detector.synth.ground import Ground, _paint_yard, paint_ground
from detector.synth.noise import fractal_tile

FINE = 2
SIZE = {"width": 160, "height": 120, "fine": FINE}
DOWN = Camera(horizon=-60.0, height=8.0, focal=200.0)
NIGHT = Climate(air=285.0, ground=283.0, sky=275.0, sun=0.0, clear=0.5)


def yard(seed, kelvin, ground):
    """The earth `kelvin` with one yard on it."""
    painted = kelvin.copy()
    rng = np.random.default_rng(seed)
    _paint_yard(rng, painted, ground, NIGHT, worn=np.zeros_like(ground.away))
    return painted


def test_a_pixel_s_metres_are_the_steps_between_neighbouring_places():
    ground = Ground.before(DOWN, **SIZE)
    right, away = np.diff(ground.right, axis=1) * FINE, -np.diff(ground.away, axis=0) * FINE
    np.testing.assert_allclose(right, np.broadcast_to(ground.sideways, right.shape), rtol=1e-2)
    np.testing.assert_allclose(away[:, 0], ground.footprint[1:, 0], rtol=2e-2)
    np.testing.assert_array_equal(ground.pixel(1.0, 0.0), ground.sideways)
    np.testing.assert_array_equal(ground.pixel(0.0, -1.0), ground.footprint)
    diagonal = ground.pixel(0.6, 0.8)[0, 0]
    assert diagonal == pytest.approx(np.hypot(0.6 * ground.sideways[0, 0], 0.8 * ground.footprint[0, 0]))


@pytest.mark.parametrize(("tilt", "away"), [(90.0, 0.2), (30.0, 0.4)])
def test_below_a_drone_a_metre_has_its_pixels_everywhere(tilt, away):
    ground = Ground.below(Drone(metre=5.0, tilt=np.radians(tilt)), **SIZE)
    assert ground.first == 0
    np.testing.assert_allclose(np.diff(ground.right, axis=1) * FINE, 0.2, rtol=1e-3)
    np.testing.assert_allclose(-np.diff(ground.away, axis=0) * FINE, away, rtol=1e-3)
    np.testing.assert_allclose((ground.sideways[0, 0], ground.footprint[0, 0]), (0.2, away), rtol=1e-6)
    assert ground.right.mean() == pytest.approx(0, abs=1e-4)


def test_a_yard_is_of_another_temperature_and_leaves_the_rest_alone():
    ground = Ground.before(DOWN, **SIZE)
    flat = np.full_like(ground.away, NIGHT.ground)
    steps, shares = [], []
    for seed in range(40):
        change = yard(seed, flat, ground) - NIGHT.ground
        plateau = change[np.abs(change) > 0.5]
        steps.append(np.median(plateau) if len(plateau) else 0.0)
        shares.append(len(plateau) / change.size)
        assert change[np.abs(change) < 1e-3].size + len(plateau) > 0.9 * change.size  # two levels
    # At night 1.5 to 5 K over the soil, or 0.7 of that below it, in three of ten; 0.85 of it is seen.
    assert 0.85 * -3.5 <= min(steps) < 0 < max(steps) <= 0.85 * 5
    assert 0.5 < np.mean(np.array(steps) > 0) < 0.9
    assert 0.1 < np.median(shares) < 0.9


def test_a_yard_is_smoother_than_the_soil_it_lies_on():
    ground = Ground.before(DOWN, **SIZE)
    soil = (NIGHT.ground + np.random.default_rng(0).standard_normal(ground.away.shape)).astype(np.float32)
    flat = np.full_like(soil, NIGHT.ground)
    seen = 0
    for seed in range(8):
        paved = np.abs(yard(seed, flat, ground) - NIGHT.ground) > 0.5
        if paved.sum() < 500:
            continue
        inner = cv2.erode(paved.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        grain = (yard(seed, soil, ground) - yard(seed, flat, ground))[inner]
        seen += 1
        assert 1.4826 * np.median(np.abs(grain)) == pytest.approx(0.15, abs=0.01)
    assert seen >= 4


@pytest.mark.parametrize("camera", [DOWN, Camera(horizon=20.0, height=3.0, focal=300.0)])
def test_a_yard_s_edge_is_a_pixel_or_two_wide_however_it_runs(camera):
    ground = Ground.before(camera, **SIZE)
    flat = np.full_like(ground.away, NIGHT.ground)
    for seed in range(12):
        change = np.abs(yard(seed, flat, ground) - NIGHT.ground)
        top = np.percentile(change, 99)
        if top < 0.5:
            continue
        between = ((change > 0.1 * top) & (change < 0.6 * top)).astype(np.uint8)
        thick = cv2.erode(between, np.ones((7, 7), np.uint8), borderValue=1)
        assert thick[6:-6, 6:-6].sum() == 0


def test_day_spreads_the_ground_more_than_night():
    ground = Ground.before(DOWN, **SIZE)
    day = Climate(air=295.0, ground=305.0, sky=285.0, sun=1.0, clear=0.5)
    tile = fractal_tile(np.random.default_rng(0), size=256, slope=-2.0)

    def spread(climate):
        pictures = [paint_ground(np.random.default_rng(seed), ground, tile, climate) for seed in range(4)]
        return np.mean([picture.std() for picture in pictures])

    assert spread(day) > 1.5 * spread(NIGHT)
