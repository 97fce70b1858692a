"""Matches against pycocotools' own, and the rules one by one."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.data.annotations import Annotations
from detector.evaluation.coco import coco_ground_truth
from detector.evaluation.matching import THRESHOLDS, Matches, match, pool
from detector.evaluation.predictions import predictions_json
from detector.structures import Detections
from tests.unit.evaluation.builders import Row, annotations, found, random_set, record
from tests.unit.evaluation.hostile import hostile_set

A, B = [0.0, 0.0, 10.0, 10.0], [100.0, 50.0, 112.0, 70.0]
PERSON, CAR, NO_CLASS = 0, 1, -1


def matched(
    truths: list[Row], *rows: tuple[list[float], float, int], regions: list[Row] | None = None
) -> Matches:
    """At 0.5 and 0.75, in one picture."""
    truth = annotations(record(4, truths=truths, regions=regions))
    return match(pool(truth, predictions_json({4: found(*rows)}, truth)), [0.5, 0.75])


def pycocotools(truth: Annotations, detections: dict[int, Detections]) -> COCOeval:
    """After evaluate()."""
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = coco_ground_truth(truth)
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(list(predictions_json(detections, truth))), "bbox")
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
    return evaluation


@pytest.mark.parametrize("make", [random_set, hostile_set])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_matches_as_pycocotools(make, seed):
    truth, detections = make(seed)
    ready = pool(truth, predictions_json(detections, truth))
    matches = match(ready)
    images = [entry.image_id for entry in truth.records]
    compared = 0
    for cell in pycocotools(truth, detections).evalImgs:
        if cell is None or cell["aRng"] != [0, 1e10]:
            continue
        label = truth.category_ids.index(cell["category_id"])
        image = images.index(cell["image_id"])
        own = np.flatnonzero((ready.found.labels == label) & (ready.found.images == image))
        there = np.flatnonzero((ready.truths.labels == label) & (ready.truths.images == image))
        # Its ids count from 1: detections' in the order of the file, truths' rising in the order of ours.
        assert (ready.found.entries[own] + 1).tolist() == cell["dtIds"]
        ids = np.append(np.sort(cell["gtIds"]), 0)
        ours = matches.truth[:, own]
        np.testing.assert_array_equal(
            ids[np.where(ours >= 0, ours - (there[0] if len(there) else 0), -1)], cell["dtMatches"]
        )
        np.testing.assert_array_equal(matches.ignored[:, own], cell["dtIgnore"])
        compared += len(own)
    assert compared == len(ready.found.scores) > 400


def test_hostile_sets_are_hostile():
    truth, detections = hostile_set(0)
    ready = pool(truth, predictions_json(detections, truth))
    counts = np.bincount(ready.found.labels * 12 + ready.found.images)
    assert counts.max() == 100 < max(len(entry.scores) for entry in detections.values())
    assert counts.min() == 0
    assert ready.truths.crowd.any()
    assert match(ready).ignored.any()
    rivals = list(zip(ready.edges.truth.tolist(), ready.edges.overlap.tolist(), strict=True))
    assert len(set(rivals)) < len(rivals)


def test_the_better_detection_chooses_first_and_a_double_goes_without():
    matches = matched([(A, PERSON)], ([0, 0, 10, 9], 0.8, PERSON), (A, 0.7, PERSON), (B, 0.9, PERSON))
    # Best first: B at nothing, then the smaller box with IoU 0.9, then the exact one, too late.
    assert matches.truth.tolist() == [[-1, 0, -1]] * 2
    assert not matches.ignored.any()


def test_a_late_detection_takes_what_is_left_at_each_threshold():
    """The first overlaps A by 0.739 and B by 0.6, the second A by 0.9 only: at 0.75 A is free for it."""
    near = [4.0, 0.0, 14.0, 10.0]
    matches = matched(
        [(A, PERSON), (near, PERSON)], ([1.5, 0, 11.5, 10], 0.9, PERSON), ([0, 0, 9, 10], 0.8, PERSON)
    )
    assert matches.truth.tolist() == [[0, -1], [-1, 0]]


def test_classes_and_pictures_are_apart():
    truth = annotations(record(4, truths=[(A, PERSON)]), record(2, truths=[(B, CAR)]))
    detections = {4: found((A, 0.9, CAR), (A, 0.8, PERSON)), 2: found((A, 0.9, PERSON), (B, 0.5, CAR))}
    ready = pool(truth, predictions_json(detections, truth))
    # By class, then image id: persons of 2 and 4, cars of 2 and 4.
    assert ready.found.images.tolist() == [1, 0, 1, 0]
    assert match(ready, [0.5]).truth.tolist() == [[-1, 0, 1, -1]]


def test_a_counted_truth_comes_before_a_better_one_that_does_not_count():
    truth = annotations(record(4, truths=[(A, PERSON), ([0, 0, 10, 8], PERSON)]))
    ready = pool(
        truth, predictions_json({4: found((A, 0.9, PERSON), (A, 0.8, PERSON), (A, 0.7, PERSON))}, truth)
    )
    matches = match(ready, [0.5], ignored=np.array([True, False]))
    assert matches.truth.tolist() == [[1, 0, -1]]
    assert matches.ignored.tolist() == [[False, True, False]]


def test_a_region_of_no_class_is_a_crowd_of_every_class_that_takes_any_number():
    small, half = [2.0, 2.0, 4.0, 4.0], [9.0, 0.0, 11.0, 2.0]
    matches = matched(
        [], (small, 0.9, PERSON), (small, 0.8, PERSON), (half, 0.7, PERSON), (small, 0.6, CAR),
        regions=[(A, NO_CLASS)],
    )  # fmt: skip
    assert matches.truth.tolist() == [[0, 0, 0, 1], [0, 0, -1, 1]]
    assert matches.ignored.tolist() == [[True] * 4, [True, True, False, True]]


def test_a_set_without_anything():
    truth = annotations(record(4, truths=[]))
    ready = pool(truth, [])
    assert match(ready).truth.shape == (len(THRESHOLDS), 0)
    assert ready.truths.boxes.shape == (0, 4)


def test_rows_lead_back_to_the_annotations():
    truth, _ = hostile_set(1)
    truths = pool(truth, []).truths
    for box, label, image, row in zip(truths.boxes, truths.labels, truths.images, truths.rows, strict=True):
        entry = truth.records[image]
        np.testing.assert_array_equal(np.concatenate((box[:2], box[:2] + box[2:])), entry.boxes[row])
        assert entry.labels[row] in (label, NO_CLASS)


def test_what_has_no_class_is_a_region_whether_or_not_it_is_told_to_be_ignored():
    matches = matched([(A, PERSON), (B, NO_CLASS)], (B, 0.9, PERSON), (A, 0.8, PERSON))
    assert matches.ignored[0].tolist() == [True, False]
