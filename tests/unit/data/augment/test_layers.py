import numpy as np
import pytest

from detector.data.augment.layers import Layers, Place
from detector.data.augment.patch import VisibilityRule
from detector.data.loading.sample import Sample
from tests.built import built

RULE = VisibilityRule(min_visible=0.3, min_side=1.5)


def layers_of(*boxes: tuple[float, float, float, float], ignored: bool = False) -> Layers:
    count = len(boxes)
    return Layers(
        Sample(
            np.zeros((20, 30), np.float32),
            np.array(boxes, np.float32).reshape(-1, 4),
            np.arange(count),
            np.full(count, ignored),
            3,
        )
    )


def place_of(box: tuple[int, int, int, int]) -> Place:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def cover(layers: Layers, box: tuple[int, int, int, int], *, value: float = 1.0) -> None:
    """An opaque rectangle in front."""
    place = place_of(box)
    shape = layers.image[place].shape
    layers.put(place, np.full(shape, value, np.float32), hides=np.ones(shape, bool))


def paste(layers: Layers, box: tuple[int, int, int, int], *, label: int) -> None:
    """An opaque rectangle in front that is an object."""
    place = place_of(box)
    shape = layers.image[place].shape
    layers.put_object(
        place,
        np.ones(shape, np.float32),
        hides=np.ones(shape, bool),
        box=np.array(box, np.float32),
        label=label,
    )


@pytest.mark.parametrize(
    ("right", "box", "ignored"),
    [(8, (8, 2, 12, 12), False), (9, (9, 2, 12, 12), False), (10, (10, 2, 12, 12), True)],
)
def test_what_is_covered_from_a_side_is_cut_off(
    right: int, box: tuple[int, int, int, int], ignored: bool
) -> None:
    """Box of 10x10 with 6, 7 and 8 of its columns covered: 0.4, 0.3 and 0.2 can be seen; the limit is 0.3."""
    layers = layers_of((2, 2, 12, 12))
    cover(layers, (2, 0, right, 20))
    sample = layers.sample(RULE)
    np.testing.assert_array_equal(sample.boxes, [box])
    np.testing.assert_array_equal(sample.ignored, [ignored])


def test_a_box_covered_in_its_middle_keeps_its_ends() -> None:
    layers = layers_of((2.5, 2.25, 11.5, 11.75))
    cover(layers, (5, 0, 9, 20))
    sample = layers.sample(RULE)
    np.testing.assert_array_equal(sample.boxes, [(2.5, 2.25, 11.5, 11.75)])
    assert not sample.ignored.any()


def test_the_pasted_object_hides_and_is_not_hidden() -> None:
    """The same two boxes: half of the one behind is left, then a fifth, then nothing."""
    for left, boxes, ignored in (
        (7, [(2, 2, 7, 12), (7, 2, 17, 12)], [False, False]),
        (4, [(2, 2, 4, 12), (4, 2, 14, 12)], [True, False]),
        (2, [(2, 2, 12, 12)], [False]),
    ):
        layers = layers_of((2, 2, 12, 12))
        paste(layers, (left, 2, left + 10, 12), label=5)
        sample = layers.sample(RULE)
        np.testing.assert_array_equal(sample.boxes, boxes)
        np.testing.assert_array_equal(sample.ignored, ignored)
        np.testing.assert_array_equal(sample.labels, [0, 5][-len(boxes) :])
        assert sample.image_id == 3


def test_what_is_put_later_lies_in_front() -> None:
    """Three objects of 10x10, each 3 pixels further right: each hides 7 columns of the one before it."""
    layers = layers_of()
    for number in range(3):
        paste(layers, (2 + 3 * number, 2, 12 + 3 * number, 12), label=number)
    sample = layers.sample(built("augment/default:rule", min_visible=0.31))
    np.testing.assert_array_equal(sample.boxes, [(2, 2, 5, 12), (5, 2, 8, 12), (8, 2, 18, 12)])
    np.testing.assert_array_equal(sample.ignored, [True, True, False])
    np.testing.assert_array_equal(sample.labels, [0, 1, 2])


def test_pixels_covered_twice_count_once() -> None:
    layers = layers_of((2, 2, 12, 12))
    for _ in range(2):
        cover(layers, (2, 2, 8, 12))
    assert not layers.sample(RULE).ignored.any()
    cover(layers, (8, 2, 10, 12))
    np.testing.assert_array_equal(layers.sample(RULE).ignored, [True])


def test_what_does_not_hide_leaves_the_truth() -> None:
    layers = layers_of((2, 2, 12, 12))
    place = place_of((2, 2, 12, 12))
    layers.put(place, np.ones((10, 10), np.float32), hides=np.zeros((10, 10), bool))
    sample = layers.sample(RULE)
    np.testing.assert_array_equal(sample.boxes, [(2, 2, 12, 12)])
    assert sample.image.sum() == 100


def test_a_sliver_is_too_small_to_learn() -> None:
    layers = layers_of((2, 2, 4, 12))
    cover(layers, (3, 2, 4, 12))
    np.testing.assert_array_equal(layers.sample(RULE).ignored, [True])


def test_an_ignored_region_stays_one_and_is_no_object() -> None:
    layers = layers_of((2, 2, 12, 12), ignored=True)
    assert len(layers.objects(min_side=0)) == 0
    cover(layers, (2, 2, 3, 12))
    np.testing.assert_array_equal(layers.sample(RULE).ignored, [True])


def test_objects_are_those_large_enough() -> None:
    layers = layers_of((0, 0, 3, 9), (0, 0, 9, 4), (0, 0, 4, 4))
    np.testing.assert_array_equal(layers.objects(min_side=4), [1, 2])


def test_the_sample_given_is_left_as_it_was() -> None:
    boxes = np.array([(2, 2, 12, 12)], np.float32)
    sample = Sample(np.zeros((20, 30), np.float32), boxes, np.zeros(1, int), np.zeros(1, bool), 3)
    layers = Layers(sample)
    cover(layers, (0, 0, 30, 20))
    assert len(layers.sample(RULE).boxes) == 0
    assert sample.image.max() == 0
    np.testing.assert_array_equal(sample.boxes, [(2, 2, 12, 12)])
