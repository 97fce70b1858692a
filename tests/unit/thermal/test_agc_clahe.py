import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.agc import Clahe, FixedRange
from tests.built import built
from tests.unit.thermal.agc_builders import frame_of, scene


@pytest.mark.parametrize("limit", [1.0, 2.0, 4.0, 1000.0])
def test_equals_opencv_s_on_8_bits(limit: float) -> None:
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.normal(110, 600, (256, 384)), (0, 0), 6)
    counts = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
    expected = cv2.createCLAHE(limit, (3, 2)).apply(counts) / 255
    # Bins of one count, which lies at its bin's upper end, as OpenCV takes it. OpenCV rounds twice to 255ths,
    # and clips whole pixels: at most 64 of the 16384 of a tile are astray.
    image = Clahe(FixedRange(-0.99, 255.01), limit, 2, 3)(frame_of(counts, 8))
    np.testing.assert_allclose(image, expected, atol=1 / 255 + 64 / 16384)
    assert np.abs(image - counts / 255).max() > 0.1


def test_a_limit_of_0_leaves_the_base_as_it_is() -> None:
    for frame in (scene(), frame_of(scene().counts // 40, 8)):
        base = built("thermal/percentile", low=5, high=95)
        np.testing.assert_allclose(built("thermal/clahe", base=base, limit=0)(frame), base(frame), atol=1e-5)


def test_one_tile_without_a_limit_is_plain_equalisation() -> None:
    frame = scene()
    image = Clahe(FixedRange(7000, 7200), np.inf, 1, 1)(frame)
    # 200 bins of one count: a count's rank is the share of pixels below it.
    inside = (frame.counts > 7000) & (frame.counts < 7200)
    ranks = (frame.counts[inside][:, None] > frame.counts.ravel()).mean(1)
    np.testing.assert_allclose(image[inside], ranks, atol=1e-5)
    assert 0 < inside.mean() < 1


def test_contrast_is_raised_where_it_was_low_but_not_beyond_the_limit() -> None:
    rng = np.random.default_rng(0)
    counts = np.full((60, 80), 8000)
    counts[:, :40] = 7000  # a cold and a warm half, each with a faint pattern
    counts += 20 * ((np.arange(60)[:, None] // 5 + np.arange(80) // 5) % 2) + rng.integers(0, 6, (60, 80))
    frame = frame_of(counts)
    plain = built("thermal/percentile", low=0, high=100)(frame)[:, 55:]
    for limit in (1.0, 3.0):
        image = Clahe(built("thermal/percentile", low=0, high=100), limit, 3, 4)(frame)[:, 55:]
        gained = image.std() / plain.std()
        assert 1.2 < gained < limit + 1


def test_counts_that_share_a_bin_stay_distinct() -> None:
    # 14-bit range, bins of 64 counts: a ramp along the columns of a single tile.
    frame = frame_of(np.tile(np.arange(160) * 100, (120, 1)) + np.arange(120)[:, None] % 50)
    image = Clahe(FixedRange(0, 16383), 2.0, 1, 1)(frame)
    assert len(np.unique(image)) == len(np.unique(frame.counts))


def test_tiles_follow_the_picture_where_they_do_not_divide_it() -> None:
    frame = scene(size=(25, 31))
    agc = built("thermal/clahe", limit=3, rows=4, columns=3)
    np.testing.assert_allclose(
        agc(frame_of(frame.counts[::-1, ::-1]))[::-1, ::-1].mean(), agc(frame).mean(), atol=0.02
    )
    small = frame_of(frame.counts[:4, :3])
    assert agc(small).shape == (4, 3)
    with pytest.raises(UserError, match="test: 2x4 pixels make no 3x4 tiles"):
        agc(frame_of(frame.counts[:4, :2]))


def test_its_base_may_be_a_recording_s() -> None:
    frames = [scene(0), scene(1)]
    window = built("thermal/sequence").for_sequence(frames).prepare(frames[0])[1]
    bound = built("thermal/clahe", base=built("thermal/sequence")).for_sequence(frames)
    np.testing.assert_array_equal(
        bound(frames[0]), built("thermal/clahe", base=FixedRange(*window))(frames[0])
    )


def test_impossible_settings_are_refused() -> None:
    for limit in (-1, float("nan")):
        with pytest.raises(UserError, match="limit must be at least 0"):
            built("thermal/clahe", limit=limit)
    with pytest.raises(UserError, match="at least 1, found 0 and 4"):
        built("thermal/clahe", rows=0)
