"""Objects stand apart, but for the share that is meant to overlap."""

from dataclasses import replace

import numpy as np
import pytest

from detector.synth.placement import populate
from detector.synth.scene import SceneParams
from tests.unit.synth.scenes import SMALL, empty_scene


def meets(first, second):
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def share_that_meets(params: SceneParams, *, frames: int) -> float:
    together = total = 0
    for seed in range(frames // 8):
        scene = empty_scene(replace(params, fine=1), seed)
        rng = np.random.default_rng(seed)
        for _ in range(8):
            boxes = [item.box for item in populate(scene, rng)]
            total += len(boxes)
            together += sum(any(meets(a, b) for b in boxes if b is not a) for a in boxes)
    return together / total


def test_without_overlap_no_two_boxes_meet():
    assert share_that_meets(SMALL, frames=32) == 0.0


@pytest.mark.parametrize("overlap", [0.3, 0.7])
def test_the_share_that_overlaps_is_the_one_asked_for(overlap):
    found = share_that_meets(replace(SMALL, overlap=overlap), frames=56)
    assert found == pytest.approx(overlap, abs=0.08)


def test_the_number_of_objects_stays_within_its_limits():
    scene = empty_scene(replace(SMALL, objects=(0, 3)))
    rng = np.random.default_rng(0)
    counts = [len(populate(scene, rng)) for _ in range(40)]
    assert max(counts) == 3
    assert min(counts) == 0


def test_class_weights_rule_the_classes():
    scene = empty_scene(replace(SMALL, class_weights=(0.0, 0.0, 1.0)))
    rng = np.random.default_rng(0)
    assert {item.label for _ in range(10) for item in populate(scene, rng)} == {2}
