"""How large frames are shown to the network, from the boxes of a split."""

from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.scale import enlarged_patch, notes, patch_for, scale_for
from tests.unit.data.made import record


def split(
    *sides: tuple[float, float], ignored: bool = False, size: tuple[int, int] = (640, 512)
) -> Annotations:
    """One frame of size (width, height) with a box of each (width, height)."""
    boxes = np.array([[0, 0, width, height] for width, height in sides], np.float32).reshape(-1, 4)
    one = replace(
        record(1),
        width=size[0],
        height=size[1],
        boxes=boxes,
        labels=np.zeros(len(boxes), np.int64),
        ignored=np.full(len(boxes), ignored),
    )
    return Annotations(("person",), (one,), (1,))


@pytest.mark.parametrize(
    ("sides", "scale"),
    [
        ([], 1),
        ([(60, 128)] * 10, 1),  # as large as may be
        ([(60, 129)] * 10, 1 / 2),
        ([(100, 300)] * 10, 1 / 3),
        ([(20, 300)] * 10, 1 / 2),  # at a third the shorter side would be under 8 pixels
        ([(15, 300)] * 10, 1),
        ([(7, 300)] * 10, 1),
        ([(30, 30)] * 91 + [(500, 500)] * 9, 1),  # the few large ones do not decide
    ],
)
def test_nine_objects_in_ten_are_to_be_seen_whole_and_not_too_small(sides, scale):
    assert scale_for(split(*sides)) == pytest.approx(scale)


@pytest.mark.parametrize(
    ("size", "sides", "scale"),
    [
        ((160, 120), [(8, 20)] * 10, 1),  # large enough
        ((160, 120), [(7.9, 20)] * 10, 2),
        ((160, 120), [(3, 5)] * 10, 3),
        ((80, 60), [(3, 5)] * 10, 3),
        ((80, 60), [(2, 5)] * 10, 4),
        ((80, 60), [(1, 1)] * 10, 4),  # more would only blur
        ((80, 60), [(2, 50)] * 10, 2),  # at 3 the longer side would be over 128
        ((320, 256), [(3, 5)] * 10, 2),  # at 3 frames would have more pixels than 640x512
        ((640, 512), [(3, 5)] * 10, 1),
        ((80, 60), [(3, 5)] * 9 + [(30, 30)] * 91, 1),  # the few small ones do not decide
    ],
)
def test_small_frames_of_small_objects_are_enlarged(size, sides, scale):
    assert scale_for(split(*sides, size=size)) == scale


def test_the_largest_frame_tells_how_far_all_are_enlarged():
    small, large = (split((3, 5), size=size) for size in ((160, 120), (320, 256)))
    assert scale_for(Annotations(("person",), (*small.records, *large.records), (1,))) == 2


def test_patches_of_enlarged_frames_have_as_many_times_the_pixels():
    assert enlarged_patch((64, 128), scale=4, multiple=16) == (128, 256)
    assert enlarged_patch((128, 160), scale=2, multiple=16) == (192, 240)  # 181 x 226, and up to multiples


def test_what_is_said_of_a_scale():
    tiny = split((3, 5), size=(640, 512))
    (enlarge,) = notes(tiny, 1)
    assert "narrower than 3.0 pixels: data.scale=2" in enlarge
    (shown,) = notes(tiny, 2)
    assert "frames are shown at 2 of their width and height, which takes 4 times as long" in shown
    assert notes(split((30, 30)), 1) == []


def test_regions_to_ignore_do_not_count():
    assert scale_for(split((300, 300), (3, 5), ignored=True, size=(80, 60))) == 1


@pytest.mark.parametrize(
    ("size", "scale", "patch"),
    [
        ((128, 160), 1, (128, 160)),
        ((128, 160), 1 / 4, (128, 160)),  # as large as the frame is then
        ((128, 160), 1 / 5, (112, 128)),  # of 102 x 128
        ((192, 192), 1 / 4, (160, 160)),  # quarter turns need a square
        ((64, 64), 1 / 4, (64, 64)),
    ],
)
def test_patches_are_no_larger_than_the_frames(size, scale, patch):
    assert patch_for(size, split((30, 30)), scale=scale, multiple=16) == patch
