import numpy as np
import pytest

from detector.inference.draw import PALETTE
from detector.report.kit.crops import MARK, crop
from tests.unit.evaluation.builders import found

NOBODY = np.zeros((0, 4), np.float32)


def cut(box: tuple[float, ...], *, size: tuple[int, int] = (64, 96), **changes) -> np.ndarray:
    """A crop of a frame whose pixels grow brighter to the right."""
    image = np.tile(np.linspace(0, 1, size[1], dtype=np.float32), (size[0], 1))
    given = {
        "detections": found(),
        "ground_truth": NOBODY,
        "classes": ("a", "b"),
        **changes,
    }
    return crop(image, np.array(box, np.float32), **given)


def corners(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, ...]:
    """Left, top, right, bottom of all pixels of a colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def test_the_ring_is_around_the_object_in_the_middle():
    """40 pixels of the frame, eight times as large; the object is in their middle."""
    picture = cut((45, 28, 51, 36))
    assert picture.shape == (320, 320, 3)
    ring = np.array(corners(picture, MARK))
    np.testing.assert_allclose((ring[:2] + ring[2:]) / 2, (160, 160), atol=2)
    # 6 x 8 pixels, and on each side 18 of the picture's and half of the line's width.
    np.testing.assert_allclose(ring[2:] - ring[:2], (6 * 8 + 38, 8 * 8 + 38), atol=2)


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ((0, 0, 6, 6), (320, 320)),  # in a corner: the window is moved, not cut
        ((30, 20, 60, 40), (192, 288)),  # four times its side is more than the frame has
        ((90, 60, 96, 64), (320, 320)),
    ],
)
def test_the_window_stays_in_the_frame(box, shape):
    picture = cut(box)
    assert picture.shape[:2] == shape
    side = picture.shape[1] / round(picture.shape[1] / min(96, max(40, 4 * (box[2] - box[0]))))
    assert side >= box[2] - box[0]
    # The whole object is in it: the frame's brightness tells where it was cut.
    assert picture[:, 0, 0].min() <= 255 * box[0] / 95 + 3
    assert picture[:, -1, 0].max() >= 255 * (box[2] - 1) / 95 - 3


def test_detections_and_truth_are_moved_with_the_window():
    detections = found(([45, 28, 51, 36], 0.9, 1), ([0, 0, 9, 9], 0.9, 0))
    picture = cut(
        (45, 28, 51, 36), detections=detections, ground_truth=np.array([(33, 20, 37, 24)], np.float32)
    )
    left, top, right, bottom = corners(picture, PALETTE[1])
    assert (left, right) == (160 - 24 - 2, 160 + 24 + 2)
    assert bottom == 160 + 32 + 2
    assert top <= 160 - 32 - 2  # the name stands above
    # The first class is far away.
    assert not (picture == PALETTE[0]).all(axis=-1).any()
    white = corners(picture, (255, 255, 255))
    assert white[:2] == ((33 - 28) * 8, (20 - 12) * 8)
