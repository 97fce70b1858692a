import numpy as np
import pytest

from detector.data.augment.layers import Layers
from detector.data.augment.object_contrast import change_contrast
from detector.data.loading.sample import Sample
from detector.errors import UserError
from tests.built import built

BOX = np.array((14, 10, 24, 22), np.float32)
INSIDE = slice(10, 22), slice(14, 24)
# The ring is 0.3 of 10 columns and 0.3 of 12 rows, rounded outwards to whole pixels.
REACHED = slice(6, 26), slice(11, 27)


def picture(*, noise: float = 0.0) -> np.ndarray:
    """Ground of 0.4 with one rectangle of 0.6."""
    image = np.full((32, 40), 0.4, np.float32)
    image[INSIDE] = 0.6
    return image + (noise * np.random.default_rng(0).standard_normal(image.shape)).astype(np.float32)


@pytest.mark.parametrize(("factor", "value"), [(0.5, 0.5), (1.0, 0.6), (1.5, 0.7), (5.0, 1.0)])
def test_the_difference_is_multiplied(factor: float, value: float) -> None:
    image = picture()
    change_contrast(image, BOX, ring=0.3, factor=factor)
    np.testing.assert_allclose(image[INSIDE], value, atol=1e-6)
    image[INSIDE] = 0.4
    np.testing.assert_allclose(image, 0.4, atol=1e-6)


def test_the_ground_keeps_its_values_outside_the_ring_and_the_change_fades_in_it() -> None:
    before = picture(noise=0.02)
    after = before.copy()
    change_contrast(after, BOX, ring=0.3, factor=2.0)
    change = np.abs(after - before)
    inside = change[INSIDE].mean()
    assert inside == pytest.approx(0.2, abs=0.03)
    change[INSIDE] = 0
    assert 0 < change[REACHED].max() < inside / 2
    change[REACHED] = 0
    assert change.max() == 0


def test_a_box_at_the_picture_s_edge() -> None:
    image = picture()[10:, 14:]
    change_contrast(image, np.array((0, 0, 10, 12), np.float32), ring=0.3, factor=0.5)
    assert image[:12, :10].max() <= 0.6 + 1e-6
    np.testing.assert_allclose(image[16:], 0.4)


def test_factors_are_log_uniform_each_object_has_its_chance_and_ignored_regions_none() -> None:
    step, contrasts = built("augment/default:objects.contrast", factor=(0.5, 2.0), p=0.5), []
    boxes = np.stack((BOX, BOX))
    for seed in range(300):
        layers = Layers(Sample(picture(), boxes, np.zeros(2, int), np.array((False, True)), 0))
        step(layers, [], rng=np.random.default_rng(seed))
        contrasts.append((layers.image[16, 19] - 0.4) / 0.2)
        np.testing.assert_array_equal(layers.boxes, boxes)
    factors = np.array(contrasts)
    changed = factors[np.abs(factors - 1) > 1e-4]
    assert len(changed) / 300 == pytest.approx(0.5, abs=0.09)
    assert 0.5 - 1e-4 <= changed.min() < 0.53
    assert 1.9 < changed.max() <= 2 + 1e-4
    assert np.median(changed) == pytest.approx(1, abs=0.15)


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(UserError, match="factor"):
        built("augment/default:objects.contrast", factor=(0.0, 1.5))
