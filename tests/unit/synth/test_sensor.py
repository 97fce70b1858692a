"""From kelvin to counts."""

from dataclasses import replace

import numpy as np
import pytest

from detector.synth.sensor import Sensor, SensorParams
from tests.built import read

SILENT = read(
    SensorParams,
    "synth:sensor",
    blur_px=0.3,
    netd_k=0,
    pixel_k=0,
    column_k=0,
    row_k=0,
    flicker_k=0,
    shading_k=0,
    drift_k=0,
)
SIZE = {"width": 160, "height": 120}
FLAT = np.full((240, 320), 300.0, np.float32)


def expose(params, kelvin=FLAT, *, seed=0, frame=0):
    sensor = Sensor(params, np.random.default_rng(seed), **SIZE)
    return sensor.expose(kelvin, np.random.default_rng(1), frame=frame).astype(float)


def test_a_silent_sensor_gives_centikelvin():
    np.testing.assert_array_equal(expose(SILENT), 30000)


def test_counts_are_16_bit_and_stay_in_range():
    sensor = Sensor(SILENT, np.random.default_rng(0), **SIZE)
    counts = sensor.expose(FLAT * 10, np.random.default_rng(1), frame=0)
    assert counts.dtype == np.uint16
    assert (counts == 65535).all()


@pytest.mark.parametrize(("name", "axis"), [("column_k", 0), ("row_k", 1)])
def test_line_patterns_are_constant_along_their_lines(name, axis):
    counts = expose(replace(SILENT, **{name: 0.5}))
    assert np.ptp(counts, axis=axis).max() == 0
    assert counts.std() == pytest.approx(50, rel=0.2)


def test_noise_has_the_deviation_asked_for_and_changes_from_frame_to_frame():
    sensor = Sensor(replace(SILENT, netd_k=0.2), np.random.default_rng(0), **SIZE)
    rng = np.random.default_rng(1)
    first, second = (sensor.expose(FLAT, rng, frame=0).astype(float) for _ in range(2))
    assert first.std() == pytest.approx(20, rel=0.05)
    assert (first - second).std() == pytest.approx(20 * 2**0.5, rel=0.05)


def test_the_fixed_pattern_stays_and_grows_between_corrections():
    sensor = Sensor(replace(SILENT, pixel_k=0.5), np.random.default_rng(0), **SIZE)
    rng = np.random.default_rng(1)
    first, later = (sensor.expose(FLAT, rng, frame=frame).astype(float) - 30000 for frame in (0, 10))
    assert np.corrcoef(first.ravel(), later.ravel())[0, 1] > 0.99
    assert later.std() / first.std() == pytest.approx(1.5, rel=0.02)


def test_drift_moves_the_whole_frame_and_no_more_than_it_may():
    sensor = Sensor(replace(SILENT, drift_k=2.0), np.random.default_rng(0), **SIZE)
    frames = [sensor.expose(FLAT, np.random.default_rng(1), frame=frame) for frame in range(40)]
    assert all(np.ptp(frame) == 0 for frame in frames)
    levels = np.array([frame[0, 0] for frame in frames], float) - 30000
    assert np.abs(levels).max() <= 200
    assert np.ptp(levels) > 50


def test_blur_spreads_a_hot_point_and_keeps_its_heat():
    point = FLAT.copy()
    point[120:122, 160:162] += 40.0  # exactly one pixel of the frame
    sharp = expose(SILENT, point) - 30000
    soft = expose(replace(SILENT, blur_px=1.5), point) - 30000
    assert soft.max() < 0.5 * sharp.max()
    assert soft.sum() == pytest.approx(4000, rel=0.1)


def test_eight_bits_are_a_picture_whose_greys_follow_the_frame_s_own_range():
    warm = FLAT.copy()
    warm[60:180, 80:240] = 310.0
    for kelvin in (warm, warm + 25, 280 + 3 * (warm - 300)):
        sensor = Sensor(replace(SILENT, bits=8), np.random.default_rng(0), **SIZE)
        picture = sensor.expose(kelvin, np.random.default_rng(1), frame=0)
        assert picture.dtype == np.uint8
        assert picture[5, 5] <= 70 < 180 <= picture[60, 80]
    # A camera's gain leaves a scene without contrast grey: at least two kelvin fill the range.
    faint = np.where(warm > 305, 300.2, 300.0).astype(np.float32)
    sensor = Sensor(replace(SILENT, bits=8), np.random.default_rng(0), **SIZE)
    picture = sensor.expose(faint, np.random.default_rng(1), frame=0)
    assert int(picture[60, 80]) - int(picture[5, 5]) < 30
