"""Every suppression against its definition, written as a loop, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torchvision.ops import batched_nms

from detector.errors import UserError
from detector.geometry import boxes as differentiable
from detector.geometry.nms import (
    DiouNms,
    GreedyNms,
    SoftNmsGaussian,
    SoftNmsLinear,
    Suppression,
    diou_with,
    iou_with,
)

Overlap = Callable[[np.ndarray, np.ndarray], float]
Weight = Callable[[np.ndarray, np.ndarray], float]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float(differentiable.iou(torch.from_numpy(a), torch.from_numpy(b)))


def diou(a: np.ndarray, b: np.ndarray) -> float:
    return float(differentiable.diou(torch.from_numpy(a), torch.from_numpy(b)))


def drops(overlap: Overlap, threshold: float) -> Weight:
    return lambda a, b: float(overlap(a, b) <= threshold)


def fades_linearly(threshold: float) -> Weight:
    return lambda a, b: 1 - iou(a, b) if iou(a, b) >= threshold else 1.0


def fades_smoothly(sigma: float) -> Weight:
    return lambda a, b: math.exp(-(iou(a, b) ** 2) / sigma)


WAYS: dict[str, tuple[Suppression, Weight]] = {
    "greedy, all touching": (GreedyNms(iou_threshold=0.0), drops(iou, 0.0)),
    "greedy": (GreedyNms(iou_threshold=0.4), drops(iou, 0.4)),
    "greedy, none": (GreedyNms(iou_threshold=1.0), drops(iou, 1.0)),
    "diou": (DiouNms(diou_threshold=0.4), drops(diou, 0.4)),
    "diou, none": (DiouNms(diou_threshold=1.0), drops(diou, 1.0)),
    "linear": (SoftNmsLinear(iou_threshold=0.3), fades_linearly(0.3)),
    "gaussian": (SoftNmsGaussian(sigma=0.5), fades_smoothly(0.5)),
    "gaussian, strict": (SoftNmsGaussian(sigma=0.02), fades_smoothly(0.02)),
}
every_way = pytest.mark.parametrize(("suppress", "weight"), WAYS.values(), ids=WAYS.keys())
every_suppression = pytest.mark.parametrize("suppress", [way for way, _ in WAYS.values()], ids=WAYS.keys())


def naive(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, weight: Weight, limit: int
) -> list[tuple[int, float]]:
    """Take the best, weigh those of its label that are left, again: (index, score)."""
    left = dict(enumerate(scores.tolist()))
    kept: list[tuple[int, float]] = []
    while left and len(kept) < limit:
        best = max(left, key=lambda index: left[index])
        score = left.pop(best)
        if score == 0:
            break
        kept.append((best, score))
        for other in left:
            if labels[other] == labels[best]:
                left[other] *= weight(boxes[best], boxes[other])
    return kept


def floats(values: list) -> np.ndarray:
    return np.array(values, np.float32)


def made(count: int, *, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random boxes, scores, labels."""
    rng = np.random.default_rng(seed)
    corner = rng.random((count, 2)) * 60
    boxes = np.concatenate([corner, corner + 4 + rng.random((count, 2)) * 20], axis=1)
    scores = rng.random(count)
    return boxes.astype(np.float32), scores.astype(np.float32), rng.integers(0, classes, count)


@every_way
@pytest.mark.parametrize("limit", [100, 9])
def test_the_same_as_the_naive_loop(suppress, weight, limit):
    boxes, scores, labels = made(70, classes=3, seed=7)
    kept, kept_scores = suppress(boxes, scores, labels, limit=limit)
    expected = naive(boxes, scores, labels, weight=weight, limit=limit)
    assert kept.tolist() == [index for index, _ in expected]
    assert_allclose(kept_scores, [score for _, score in expected], rtol=1e-5)
    assert (kept.dtype, kept_scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6])
def test_greedy_is_what_torchvision_gives(threshold):
    boxes, scores, labels = made(400, classes=4, seed=9)
    expected = batched_nms(*map(torch.from_numpy, (boxes, scores, labels)), threshold)
    kept, kept_scores = GreedyNms(iou_threshold=threshold)(boxes, scores, labels, limit=1000)
    assert_array_equal(kept, expected)
    assert_array_equal(kept_scores, scores[kept])


def test_overlaps_are_those_of_the_differentiable_ones():
    boxes, _, _ = made(60, classes=1, seed=5)
    for mine, theirs in ((iou_with, differentiable.iou), (diou_with, differentiable.diou)):
        expected = theirs(torch.from_numpy(boxes[:1]), torch.from_numpy(boxes))
        assert_allclose(mine(boxes[0], boxes), expected, rtol=1e-5, atol=1e-6)


@every_suppression
def test_the_order_of_the_boxes_does_not_matter_and_the_inputs_stay(suppress):
    boxes, scores, labels = made(50, classes=2, seed=8)
    copies = [x.copy() for x in (boxes, scores, labels)]
    kept, kept_scores = suppress(boxes, scores, labels, limit=100)
    for x, copy in zip((boxes, scores, labels), copies, strict=True):
        assert_array_equal(x, copy)
    shuffled = np.random.default_rng(1).permutation(50)
    again, again_scores = suppress(boxes[shuffled], scores[shuffled], labels[shuffled], limit=100)
    assert_array_equal(shuffled[again], kept)
    assert_allclose(again_scores, kept_scores, rtol=1e-6)


@every_suppression
def test_nothing_in_nothing_out(suppress):
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    kept, scores = suppress(*nothing, limit=100)
    assert (kept.tolist(), kept.dtype, scores.tolist()) == ([], np.int64, [])


@every_way
def test_classes_do_not_affect_each_other(suppress, weight):
    """Three boxes on one place, the middle one of another class, then one far away."""
    boxes = floats([[0, 0, 10, 10]] * 3 + [[50, 50, 60, 60]])
    scores, labels = floats([0.7, 0.8, 0.9, 0.1]), np.array([0, 1, 0, 0])
    kept, kept_scores = suppress(boxes, scores, labels, limit=100)
    found = dict(zip(kept.tolist(), kept_scores.tolist(), strict=True))
    assert {index: found[index] for index in (1, 2, 3)} == pytest.approx({1: 0.8, 2: 0.9, 3: 0.1})
    assert found.get(0, 0) == pytest.approx(0.7 * weight(boxes[0], boxes[0]), rel=1e-5)


def test_an_overlap_at_the_threshold_is_kept():
    boxes = floats([[0.0, 0, 10, 20], [0, 0, 10, 10]])  # IoU exactly 0.5
    scores, labels = floats([0.5, 0.9]), np.zeros(2, np.int64)
    assert GreedyNms(iou_threshold=0.5)(boxes, scores, labels, limit=9)[0].tolist() == [1, 0]
    assert GreedyNms(iou_threshold=0.49)(boxes, scores, labels, limit=9)[0].tolist() == [1]


def test_diou_keeps_what_has_its_centre_elsewhere():
    """Both overlap the first by 1 / 2: 5 x 10 inside it from one side, 7.07 x 7.07 about its own centre.

    The centre of the side half is 2.5 away, the hull's diagonal sqrt(200): DIoU 0.5 - 6.25 / 200 = 0.469.
    """
    half = math.sqrt(50) / 2
    boxes = floats([[0.0, 0, 10, 10], [0, 0, 5, 10], [5 - half, 5 - half, 5 + half, 5 + half]])
    scores, labels = floats([0.9, 0.8, 0.7]), np.zeros(3, np.int64)
    assert DiouNms(diou_threshold=0.48)(boxes, scores, labels, limit=9)[0].tolist() == [0, 1]
    assert DiouNms(diou_threshold=0.46)(boxes, scores, labels, limit=9)[0].tolist() == [0]


def test_soft_scores_by_hand():
    """A second box with IoU 0.5: linear 0.8 x 0.5 = 0.4, Gaussian 0.8 x exp(-0.25 / 0.5) = 0.4852.

    The third touches neither, so it comes before the second.
    """
    boxes = floats([[0.0, 0, 10, 20], [0, 10, 10, 20], [0, 20, 10, 30]])
    scores, labels = floats([0.9, 0.8, 0.6]), np.zeros(3, np.int64)
    kept, linear = SoftNmsLinear(iou_threshold=0.3)(boxes, scores, labels, limit=9)
    assert kept.tolist() == [0, 2, 1]
    assert linear.tolist() == pytest.approx([0.9, 0.6, 0.4])
    _, at_threshold = SoftNmsLinear(iou_threshold=0.5)(boxes, scores, labels, limit=9)
    assert at_threshold.tolist() == pytest.approx([0.9, 0.6, 0.4])
    _, above = SoftNmsLinear(iou_threshold=0.51)(boxes, scores, labels, limit=9)
    assert above.tolist() == pytest.approx([0.9, 0.8, 0.6])
    kept, gaussian = SoftNmsGaussian(sigma=0.5)(boxes, scores, labels, limit=9)
    assert kept.tolist() == [0, 2, 1]
    assert gaussian.tolist() == pytest.approx([0.9, 0.6, 0.485225], abs=1e-6)


@pytest.mark.parametrize(
    ("way", "name", "value"),
    [
        (GreedyNms, "iou_threshold", 1.5),
        (DiouNms, "diou_threshold", -0.1),
        (SoftNmsLinear, "iou_threshold", float("nan")),
        (SoftNmsGaussian, "sigma", 0.0),
    ],
)
def test_settings_out_of_range_are_named(way, name, value):
    with pytest.raises(UserError, match=f"{name}={value}"):
        way(**{name: value})
