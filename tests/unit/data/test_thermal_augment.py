import random

import numpy as np

from detector.data.thermal_augment import InvertPolarity, LocalGain

RAMP = np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(24, 32)


def test_inverting_twice_gives_the_picture_back() -> None:
    invert = InvertPolarity(p=1)
    once = invert(image=RAMP)["image"]
    np.testing.assert_allclose(once, 1 - RAMP)
    np.testing.assert_allclose(invert(image=once)["image"], RAMP, atol=1e-7)


def test_local_gain_stays_within_its_limits_and_is_smooth() -> None:
    flat = np.full((48, 64), 0.5, np.float32)
    transform = LocalGain(gain=0.2, offset=0.1, p=1)
    for seed in range(10):
        transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
        image = transform(image=flat)["image"]
        assert image.dtype == np.float32
        assert np.abs(image - 0.5).max() <= 0.5 * 0.2 + 0.1 + 1e-6
        assert image.std() > 0.005
        # The field has 3 x 3 nodes, so neighbours differ by far less than the picture does.
        assert np.abs(np.diff(image)).max() < 0.25 * (image.max() - image.min())


def test_local_gain_is_clipped_and_zero_limits_change_nothing() -> None:
    strong = LocalGain(gain=0.9, offset=0.9, p=1)
    strong.set_random_state(np.random.default_rng(0), random.Random(0))
    image = strong(image=RAMP)["image"]
    assert image.min() == 0
    assert image.max() == 1
    np.testing.assert_allclose(LocalGain(gain=0, offset=0, p=1)(image=RAMP)["image"], RAMP)
