"""Two sets that differ in the overlap of pairs differ in nothing else."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from detector.synth.pairs import beside
from detector.synth.placement import populate
from detector.synth.stage import Standing
from tests.unit.synth.scenes import SMALL, block, empty_scene

PAIRS = replace(SMALL, fine=4, overlap=1.0, objects=(6, 6), side_px=(10.0, 28.0))


def iou(a: Standing, b: Standing) -> float:
    first, second = np.array(a.whole), np.array(b.whole)
    common = np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None).prod()
    return float(common / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - common))


@functools.cache
def objects(low: float, high: float, *, frames: int = 3) -> list[list[Standing]]:
    scene = empty_scene(replace(PAIRS, pair_iou=(low, high)))
    rng = np.random.default_rng(0)
    return [populate(scene, rng) for _ in range(frames)]


def largest(frames: list[list[Standing]]) -> np.ndarray:
    """Of each object its largest overlap with another of its frame."""
    return np.array([max(iou(a, b) for b in frame if b is not a) for frame in frames for a in frame])


def test_by_hand():
    anchor = block(left=40, top=40, width=20, height=30, row=35, label=0)
    item = block(left=0, top=50, width=20, height=30, row=40, label=0)
    for leftwards, left in ((True, 30), (False, 50)):
        moved = beside(anchor, item, iou=0.2, leftwards=leftwards)
        assert moved is not None
        assert (moved.left, moved.top) == (left, 50), "10 x 20 of 600 each: 200 / 1000"
    assert beside(anchor, replace(item, top=70), iou=0.1, leftwards=True) is None, "no row in common"
    flat = block(left=0, top=50, width=4, height=20, row=40, label=0)
    assert beside(anchor, flat, iou=0.3, leftwards=True) is None, "80 / 600 at the most"


def test_pairs_have_the_overlap_asked_for_and_the_rest_none():
    found = largest(objects(0.3, 0.3))
    assert (found > 0).mean() > 0.5
    np.testing.assert_allclose(found[found > 0], 0.3, atol=0.03)
    assert largest(objects(0.0, 0.0)).max() == 0.0
    drawn = largest(objects(0.1, 0.5))
    drawn = drawn[drawn > 0]
    assert 0.08 < drawn.min() < 0.2
    assert 0.3 < drawn.max() < 0.53


@pytest.mark.parametrize("level", [0.1, 0.5])
def test_nothing_differs_between_overlaps_but_a_column(level):
    moved = 0
    for ours, theirs in zip(objects(0.0, 0.0), objects(level, level), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert (a.label, a.top, a.row) == (b.label, b.top, b.row)
            np.testing.assert_array_equal(a.sprite.kelvin, b.sprite.kelvin)
            moved += a.left != b.left
    assert moved > 3
