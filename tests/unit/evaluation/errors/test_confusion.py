"""The confusion matrix by hand and against a naive loop."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from detector.evaluation.errors.confusion import confusion
from detector.evaluation.scores.outcomes import outcomes
from tests.unit.evaluation.builders import annotations, found, pooled, random_set, record

A, B, C = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0], [200.0, 50.0, 212.0, 70.0]
FAR = [400.0, 400.0, 420.0, 420.0]
PERSON, CAR = 0, 1


def matrix(truth, detections, *, confidence: float = 0.0) -> list[list[int]]:
    return confusion(pooled(truth, detections), truth.classes, confidence=confidence).matrix.tolist()


def test_each_cell_by_hand():
    """Rows are truth: person, car, background. A found, B taken for a car, C missed, one car from nothing."""
    truth = annotations(record(1, truths=[(A, PERSON), (B, PERSON), (C, CAR)]))
    detections = {1: found((A, 0.9, PERSON), (B, 0.8, CAR), (FAR, 0.7, CAR), (C, 0.2, CAR))}
    assert matrix(truth, detections, confidence=0.25) == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert matrix(truth, detections) == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    # The score itself is kept.
    assert matrix(truth, {1: found((A, 0.5, PERSON))}, confidence=0.5)[0][0] == 1


def test_the_better_detection_takes_the_truth_whatever_its_class():
    truth = annotations(record(1, truths=[(A, PERSON)]))
    detections = {1: found((A, 0.9, CAR), (A, 0.8, PERSON))}
    assert matrix(truth, detections) == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_overlap_decides_and_class_breaks_ties():
    """The first detection overlaps the car more, the second as much as the person: B stands twice."""
    near = [11.0, 10.0, 21.0, 20.0]
    truth = annotations(record(1, truths=[(A, PERSON), (near, CAR), (B, PERSON), (B, CAR)]))
    detections = {1: found((near, 0.9, PERSON), (B, 0.8, CAR), (B, 0.7, PERSON))}
    assert matrix(truth, detections) == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(("width", "swallowed"), [(10, True), (5, True), (4, False)])
def test_what_lies_in_a_region_counts_nowhere(width, swallowed):
    """A region of persons swallows a car too: what it holds is not known. It is not to be found either."""
    region = ([400, 400, 400 + width, 420], PERSON)
    truth = annotations(record(1, truths=[(A, PERSON)], regions=[region]))
    detections = {1: found(([400, 400, 410, 410], 0.9, CAR), (A, 0.8, PERSON))}
    assert matrix(truth, detections) == [[1, 0, 0], [0, 0, 0], [0, 0 if swallowed else 1, 0]]


@pytest.mark.parametrize("seed", range(2))
def test_the_same_as_a_naive_loop(seed):
    truth, detections = random_set(seed)
    expected = np.zeros((4, 4), dtype=int)
    for one in truth.records:
        real = ~one.ignored
        boxes, labels = one.boxes[real], one.labels[real].tolist()
        regions = one.boxes[~real]
        free = set(range(len(labels)))
        rows = detections[one.image_id]
        for box, score, label in zip(rows.boxes, rows.scores.tolist(), rows.labels.tolist(), strict=True):
            if score < 0.3:
                continue
            table = box_iou(torch.from_numpy(box[None]), torch.from_numpy(boxes))[0].tolist()
            reached = [index for index in free if table[index] >= 0.5]
            if reached:
                best = max(reached, key=lambda index: table[index])
                free.remove(best)
                expected[labels[best], label] += 1
            elif not any(_share(box.tolist(), region) >= 0.5 for region in regions):
                expected[3, label] += 1
        for index in free:
            expected[labels[index], 3] += 1
    result = confusion(pooled(truth, detections), truth.classes, confidence=0.3)
    assert result.matrix.tolist() == expected.tolist()
    assert (
        result.matrix.sum(axis=1)[:3].tolist()
        == outcomes(pooled(truth, detections), truth.classes).truths.tolist()
    )


def _share(box, region) -> float:
    """Of the box's area, inside the region."""
    width = min(box[2], region[2]) - max(box[0], region[0])
    height = min(box[3], region[3]) - max(box[1], region[1])
    return max(width, 0) * max(height, 0) / ((box[2] - box[0]) * (box[3] - box[1]))


def test_nothing_at_all():
    result = confusion(pooled(annotations(record(1, truths=[])), {}), ("person", "car"), confidence=0.5)
    assert json.loads(json.dumps(result.to_dict())) == {
        "least_score": 0.5,
        "iou": 0.5,
        "names": ["person", "car", "background"],
        "matrix": [[0, 0, 0]] * 3,
    }
