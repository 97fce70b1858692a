"""How large frames are shown to the network, from the boxes of a split."""

from dataclasses import replace

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.scale import patch_for, scale_for
from tests.unit.data.made import record


def split(*sides: tuple[float, float], ignored: bool = False) -> Annotations:
    """One frame of 640x512 with a box of each (width, height)."""
    boxes = np.array([[0, 0, width, height] for width, height in sides], np.float32).reshape(-1, 4)
    one = replace(
        record(1),
        width=640,
        height=512,
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


def test_regions_to_ignore_do_not_count():
    assert scale_for(split((300, 300), ignored=True)) == 1


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
