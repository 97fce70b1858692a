"""Suppression against the definition, written as a loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from detector.geometry.boxes import pairwise_iou
from detector.geometry.nms import greedy_nms


def naive(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> list[int]:
    """Best first, keep what overlaps no kept one of its class by more than the threshold."""
    overlap = pairwise_iou(boxes, boxes)
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        rivals = [other for other in kept if labels[other] == labels[index]]
        if all(overlap[index, other] <= iou_threshold for other in rivals):
            kept.append(index)
    return kept


def random_boxes(count: int) -> Tensor:
    corner = torch.rand(count, 2) * 60
    return torch.cat((corner, corner + 4 + torch.rand(count, 2) * 20), dim=1)


@pytest.mark.parametrize("iou_threshold", [0.0, 0.3, 0.6, 1.0])
def test_the_same_as_the_naive_loop(iou_threshold):
    torch.manual_seed(7)
    boxes, scores, labels = random_boxes(150), torch.rand(150), torch.randint(0, 3, (150,))
    kept = greedy_nms(boxes, scores, labels, iou_threshold=iou_threshold).tolist()
    assert kept == naive(boxes, scores, labels, iou_threshold)
    assert (len(kept) == 150) == (iou_threshold == 1.0)


def test_an_overlap_at_the_threshold_is_kept():
    boxes = torch.tensor([[0.0, 0, 10, 20], [0, 0, 10, 10]])  # IoU exactly 0.5
    scores, labels = torch.tensor([0.5, 0.9]), torch.zeros(2, dtype=torch.int64)
    assert greedy_nms(boxes, scores, labels, iou_threshold=0.5).tolist() == [1, 0]
    assert greedy_nms(boxes, scores, labels, iou_threshold=0.49).tolist() == [1]


def test_classes_do_not_suppress_each_other():
    boxes = torch.tensor([[0.0, 0, 10, 10]]).expand(3, 4)
    kept = greedy_nms(
        boxes, torch.tensor([0.7, 0.8, 0.9]), torch.tensor([0, 1, 0]), iou_threshold=0.5
    ).tolist()
    assert kept == [2, 1]


def test_nothing_in_nothing_out():
    kept = greedy_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), iou_threshold=0.5)
    assert kept.tolist() == []


def test_half_precision_does_not_move_boxes_between_classes():
    """torchvision parts the classes by shifting them; at 80 x 640 pixels float16 would step by 32."""
    boxes = torch.tensor([[600.0, 0, 604, 4], [610, 0, 614, 4]], dtype=torch.float16)
    scores, labels = torch.tensor([0.9, 0.8], dtype=torch.float16), torch.tensor([79, 79])
    assert greedy_nms(boxes, scores, labels, iou_threshold=0.5).tolist() == [0, 1]
