import numpy as np

from detector.data.augment.surroundings import feathered, opacity, surroundings


def test_surroundings_of_a_slope_are_the_slope_whatever_lies_inside() -> None:
    y, x = np.mgrid[0:14, 0:20].astype(np.float32)
    slope = 0.2 + 0.01 * x + 0.02 * y + 0.001 * x * y
    picture = slope.copy()
    picture[4:10, 5:15] = 1.0
    # Smoothing bends the border lines a little at their ends, by less than one pixel's step.
    np.testing.assert_allclose(surroundings(picture), slope, atol=0.03)
    np.testing.assert_array_equal(surroundings(picture), surroundings(slope))


def test_a_horizon_goes_on_behind_the_object() -> None:
    picture = np.full((21, 20), 0.8, np.float32)
    picture[:10] = 0.1
    behind = surroundings(picture)
    np.testing.assert_allclose(behind[:8], 0.1, atol=1e-6)
    np.testing.assert_allclose(behind[12:], 0.8, atol=1e-6)


def test_feathered_by_hand() -> None:
    """Eight columns, box from 2 to 6: centres at 0.5 and 1.5 are a quarter and three quarters of the way."""
    window = feathered((4, 8), np.array((2, 0, 6, 4), np.float32))
    np.testing.assert_allclose(window, [[0.25, 0.75, 1, 1, 1, 1, 0.75, 0.25]] * 4)


def test_opacity_of_an_even_object_with_a_blurred_border() -> None:
    """Contrast 0.4 in the box, half of it in the two columns beside it, nothing beyond."""
    residual = np.zeros((12, 16), np.float32)
    residual[2:10, 4:12] = -0.4
    residual[2:10, [3, 12]] = -0.2
    found = opacity(residual, np.array((4, 2, 12, 10), np.float32))
    np.testing.assert_allclose(found[2:10, 4:12], 1)
    np.testing.assert_allclose(found[2:10, [3, 12]], 0.5)
    assert found[:2].max() == found[10:].max() == found[:, :3].max() == 0


def test_the_middle_is_object_even_without_contrast() -> None:
    """A ring: the hole in its middle is opaque, the corners of its box are not."""
    y, x = np.mgrid[-9.5:10:1, -9.5:10:1]
    radius = np.hypot(y, x)
    residual = np.where((radius > 6) & (radius < 10), 0.5, 0).astype(np.float32)
    found = opacity(residual, np.array((0, 0, 20, 20), np.float32))
    np.testing.assert_allclose(found[radius < 4.5], 1)
    np.testing.assert_allclose(found[radius > 10], 0)
