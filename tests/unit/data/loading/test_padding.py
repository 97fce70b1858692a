import numpy as np

from detector.data.loading.padding import PAD_VALUE, WholeFrame, pad_to_multiple
from tests.unit.data.builders import raw_with_rectangle


def test_padding_is_right_and_below() -> None:
    image = np.random.default_rng(0).uniform(0.1, 1, (30, 33)).astype(np.float32)
    padded = pad_to_multiple(image, 16)
    assert padded.shape == (32, 48)
    np.testing.assert_array_equal(padded[:30, :33], image)
    assert (padded[30:] == PAD_VALUE).all()
    assert (padded[:, 33:] == PAD_VALUE).all()


def test_a_multiple_is_left_as_it_is() -> None:
    image = np.ones((32, 64), np.float32)
    assert pad_to_multiple(image, 32) is image


def test_evaluation_leaves_boxes_where_they_are() -> None:
    raw = raw_with_rectangle((10, 20, 30, 50), size=(60, 70))
    sample = WholeFrame(32)([raw], 0, epoch=5, rng=np.random.default_rng(0))
    assert sample.image.shape == (64, 96)
    np.testing.assert_array_equal(sample.boxes, [[10, 20, 30, 50]])
    np.testing.assert_array_equal(sample.image[:60, :70], raw.image())
    assert sample.image_id == raw.image_id
