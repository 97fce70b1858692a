"""Frames with fewer pixels."""

import numpy as np
import pytest

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc import FixedRange, Scaled, SequenceRange
from detector.thermal.resolution import checked_scale, resized, scaled_size
from tests.built import built


def frame(counts: object, dtype: type = np.uint16) -> Frame:
    return Frame(np.array(counts, dtype), 16, "made")


def test_counts_are_the_means_of_those_they_cover_to_the_nearest_whole_one():
    small = resized(frame([[1, 2, 10, 20], [3, 5, 30, 41]]), (1, 2))
    assert small.counts.tolist() == [[3, 25]]  # of 2.75 and 25.25
    assert small.counts.dtype == np.uint16


def test_no_pixel_is_left_out_of_the_means_however_many_there_are():
    assert resized(frame([[0, 0, 0, 80]] * 4), (1, 1)).counts.tolist() == [[20]]


def test_a_frame_of_that_size_is_left_alone():
    one = frame([[1, 2], [3, 4]])
    assert resized(one, (2, 2)) is one


def test_an_enlarged_frame_has_the_counts_of_the_corners_and_nothing_beyond():
    large = resized(frame([[0, 100], [200, 300]]), (4, 4)).counts
    assert [large[0, 0], large[0, -1], large[-1, 0], large[-1, -1]] == [0, 100, 200, 300]
    assert large.min() == 0
    assert large.max() == 300


def test_sizes_are_whole_and_never_nothing():
    assert scaled_size((60, 80), 1 / 3) == (20, 27)
    assert scaled_size((2, 400), 0.1) == (1, 40)


def test_a_scaled_gain_is_that_gain_of_the_smaller_frame():
    rng = np.random.default_rng(0)
    large = Frame(rng.integers(3000, 9000, (24, 32), dtype=np.uint16), 16, "made")
    for gain in (FixedRange(3000, 9000), built("thermal/percentile")):
        np.testing.assert_array_equal(Scaled(gain, 0.25)(large), gain(resized(large, (6, 8))))


def test_the_range_of_a_recording_is_that_of_its_whole_frames():
    """The one hot pixel would drown in the mean of its neighbours."""
    counts = np.zeros((4, 4), np.uint16)
    counts[0, 0] = 1000
    recording = [Frame(counts, 16, "made")]
    gain = SequenceRange(low=0, high=100, min_span=1.0)
    image = Scaled(gain, 0.5).for_sequence(recording)(recording[0])
    np.testing.assert_allclose(image, [[0.25, 0], [0, 0]])


@pytest.mark.parametrize("scale", [0, -1, 5, True, "half", None, float("nan")])
def test_what_is_no_scale_is_refused(scale):
    with pytest.raises(UserError, match=rf"^data.scale={scale}: must be a number above 0 and at most 4$"):
        checked_scale(scale, where="data.scale")
