"""Every suppression against its definition, written as a loop, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from detector.errors import UserError
from detector.geometry.boxes import diou, iou
from detector.geometry.nms import DiouNms, GreedyNms, SoftNmsGaussian, SoftNmsLinear, Suppression

Weight = Callable[[Tensor, Tensor], float]


def drops(overlap: Callable[[Tensor, Tensor], Tensor], threshold: float) -> Weight:
    return lambda a, b: float(overlap(a, b) <= threshold)


def fades_linearly(threshold: float) -> Weight:
    return lambda a, b: 1 - float(iou(a, b)) if iou(a, b) >= threshold else 1.0


def fades_smoothly(sigma: float) -> Weight:
    return lambda a, b: math.exp(-(float(iou(a, b)) ** 2) / sigma)


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
    boxes: Tensor, scores: Tensor, labels: Tensor, *, weight: Weight, limit: int
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


def random_boxes(count: int) -> Tensor:
    corner = torch.rand(count, 2) * 60
    return torch.cat((corner, corner + 4 + torch.rand(count, 2) * 20), dim=1)


@every_way
@pytest.mark.parametrize("limit", [100, 9])
def test_the_same_as_the_naive_loop(suppress, weight, limit):
    torch.manual_seed(7)
    boxes, scores, labels = random_boxes(70), torch.rand(70), torch.randint(0, 3, (70,))
    kept, kept_scores = suppress(boxes, scores, labels, limit=limit)
    expected = naive(boxes, scores, labels, weight=weight, limit=limit)
    assert kept.tolist() == [index for index, _ in expected]
    torch.testing.assert_close(kept_scores, torch.tensor([score for _, score in expected]))


@every_suppression
def test_the_order_of_the_boxes_does_not_matter_and_the_inputs_stay(suppress):
    torch.manual_seed(8)
    boxes, scores, labels = random_boxes(50), torch.rand(50), torch.randint(0, 2, (50,))
    copies = [x.clone() for x in (boxes, scores, labels)]
    kept, kept_scores = suppress(boxes, scores, labels, limit=100)
    assert all(torch.equal(x, copy) for x, copy in zip((boxes, scores, labels), copies, strict=True))
    shuffled = torch.randperm(50)
    again, again_scores = suppress(boxes[shuffled], scores[shuffled], labels[shuffled], limit=100)
    assert shuffled[again].tolist() == kept.tolist()
    torch.testing.assert_close(again_scores, kept_scores)


@every_suppression
def test_nothing_in_nothing_out(suppress):
    kept, scores = suppress(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), limit=100)
    assert (kept.tolist(), kept.dtype, scores.tolist()) == ([], torch.int64, [])


@every_way
def test_classes_do_not_affect_each_other(suppress, weight):
    """Three boxes on one place, the middle one of another class, then one far away."""
    boxes = torch.tensor([[0.0, 0, 10, 10]] * 3 + [[50, 50, 60, 60]])
    scores, labels = torch.tensor([0.7, 0.8, 0.9, 0.1]), torch.tensor([0, 1, 0, 0])
    kept, kept_scores = suppress(boxes, scores, labels, limit=100)
    found = dict(zip(kept.tolist(), kept_scores.tolist(), strict=True))
    assert {index: found[index] for index in (1, 2, 3)} == pytest.approx({1: 0.8, 2: 0.9, 3: 0.1})
    assert found.get(0, 0) == pytest.approx(0.7 * weight(boxes[0], boxes[0]), rel=1e-5)


@every_suppression
def test_half_precision_does_not_move_boxes(suppress):
    """torchvision parts the classes by shifting them; at 80 x 640 pixels float16 would step by 32."""
    boxes = torch.tensor([[600.0, 0, 604, 4], [610, 0, 614, 4]], dtype=torch.float16)
    scores, labels = torch.tensor([0.9, 0.8], dtype=torch.float16), torch.tensor([79, 79])
    kept, kept_scores = suppress(boxes, scores, labels, limit=100)
    assert kept.tolist() == [0, 1]
    assert kept_scores.dtype == torch.float32
    assert torch.equal(kept_scores, scores.float())


def test_an_overlap_at_the_threshold_is_kept():
    boxes = torch.tensor([[0.0, 0, 10, 20], [0, 0, 10, 10]])  # IoU exactly 0.5
    scores, labels = torch.tensor([0.5, 0.9]), torch.zeros(2, dtype=torch.int64)
    assert GreedyNms(iou_threshold=0.5)(boxes, scores, labels, limit=9)[0].tolist() == [1, 0]
    assert GreedyNms(iou_threshold=0.49)(boxes, scores, labels, limit=9)[0].tolist() == [1]


def test_diou_keeps_what_has_its_centre_elsewhere():
    """Both overlap the first by 1 / 2: 5 x 10 inside it from one side, 7.07 x 7.07 about its own centre.

    The centre of the side half is 2.5 away, the hull's diagonal sqrt(200): DIoU 0.5 - 6.25 / 200 = 0.469.
    """
    half = math.sqrt(50) / 2
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 5, 10], [5 - half, 5 - half, 5 + half, 5 + half]])
    scores, labels = torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, dtype=torch.int64)
    assert DiouNms(diou_threshold=0.48)(boxes, scores, labels, limit=9)[0].tolist() == [0, 1]
    assert DiouNms(diou_threshold=0.46)(boxes, scores, labels, limit=9)[0].tolist() == [0]


def test_soft_scores_by_hand():
    """A second box with IoU 0.5: linear 0.8 x 0.5 = 0.4, Gaussian 0.8 x exp(-0.25 / 0.5) = 0.4852.

    The third touches neither, so it comes before the second.
    """
    boxes = torch.tensor([[0.0, 0, 10, 20], [0, 10, 10, 20], [0, 20, 10, 30]])
    scores, labels = torch.tensor([0.9, 0.8, 0.6]), torch.zeros(3, dtype=torch.int64)
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
