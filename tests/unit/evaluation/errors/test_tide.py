"""TIDE against values worked out by hand and against what the tidecv package made of hostile cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.evaluation.errors.kinds import HIT, KINDS, find_mistakes
from detector.evaluation.errors.tide import Tide, tide
from detector.evaluation.matching import pool
from tests.unit.evaluation.builders import annotations, found, pooled, random_set, record

CASES = json.loads((Path(__file__).parents[1] / "golden" / "tide.json").read_text())
A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]


def breakdown(truth, detections) -> Tide:
    return tide(find_mistakes(pooled(truth, detections)), truth.classes)


def of_case(case: dict[str, Any]) -> Tide:
    """Ours of a golden case: its boxes are multiples of one, so nothing is rounded on the way."""
    records = []
    for image in case["images"]:
        rows = [([float(value) for value in row[:4]], int(row[4])) for row in image["truths"]]
        real = [row for row, source in zip(rows, image["truths"], strict=True) if not source[5]]
        regions = [row for row, source in zip(rows, image["truths"], strict=True) if source[5]]
        records.append(record(image["id"], truths=real, regions=regions))
    classes = tuple("abc"[: case["classes"]])
    truth = annotations(*records, classes=classes, ids=tuple(range(case["classes"])))
    entries = [
        {"image_id": image, "bbox": box, "score": score, "category_id": label}
        for image, *box, score, label in case["detections"]
    ]
    return tide(find_mistakes(pool(truth, entries)), classes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_same_as_tidecv(case):
    found, expected = of_case(case), case["expected"]
    for name in ("ap", "gains", "false_positives", "false_negatives"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=1e-9), name
    assert found.to_dict()["counts"] == expected["counts"]


def test_every_kind_is_named():
    """In the golden case's order; the boxes and why they are what they are stand in make_tide_golden.py."""
    a, b, c = [0, 0, 20, 10], [40, 0, 60, 10], [0, 40, 20, 50]
    truth = annotations(record(7, truths=[(a, 0), (b, 0), (c, 1), ([80, 80, 90, 90], 1)]))
    rows = [
        [200, 0, 209, 9],
        c,
        [0, 41, 5, 46],
        a,
        [0, 0, 20, 9],
        [40, 0, 47, 10],
        [40, 0, 46, 10],
        [40, 0, 59, 10],
    ]
    scores = np.linspace(0.95, 0.6, 8).tolist()
    detections = {7: found(*((row, score, 0) for row, score in zip(rows, scores, strict=True)))}
    judged = find_mistakes(pooled(truth, detections))
    names = [None if kind == HIT else KINDS[kind] for kind in judged.kinds]
    expected = [
        "background",
        "classification",
        "both",
        None,
        "duplicate",
        "localisation",
        "localisation",
        None,
    ]
    assert names == expected
    # Truths of the pool: a, b, c, the missed one. Only the mistaken class is about a truth nothing found.
    assert judged.mends.tolist() == [-1, 2, -1, -1, -1, -1, -1, -1]
    assert judged.unfound.tolist() == [False, False, True, True]
    assert judged.missed.tolist() == [False, False, False, True]


def test_the_gain_of_a_mended_class():
    """Class 0 ahead of its hit: its AP is 1/2, class 1's is 0. Mended: both 1, and nothing else gains."""
    truth = annotations(record(1, truths=[(A, 0), (B, 1)]))
    result = breakdown(truth, {1: found((B, 0.9, 0), (A, 0.8, 0))})
    assert result.ap == pytest.approx(0.25)
    assert result.gains == pytest.approx({**dict.fromkeys(KINDS, 0), "classification": 0.75})
    # No false positive: AP 1 and 0. No truth unfound: class 1 is gone, class 0 alone has 1/2.
    assert (result.false_positives, result.false_negatives) == pytest.approx((0.25, 0.25))


def test_of_two_misplaced_boxes_the_better_is_mended():
    """Overlaps 0.4 and 0.3 with one truth: the first becomes its hit, the second goes, AP 0 -> 1."""
    truth = annotations(record(1, truths=[(A, 0)]))
    result = breakdown(truth, {1: found(([10, 10, 14, 20], 0.5, 0), ([10, 10, 13, 20], 0.4, 0))})
    assert result.gains == pytest.approx({**dict.fromkeys(KINDS, 0), "localisation": 1})
    assert result.counts[KINDS.index("localisation")].tolist() == [2, 0]
    assert result.counts[KINDS.index("missed")].tolist() == [0, 0]


def test_perfect_predictions_have_no_errors():
    truth, _ = random_set(0)
    detections = {}
    for one in truth.records:
        real = ~one.ignored
        rows = zip(one.boxes[real].tolist(), one.labels[real].tolist(), strict=True)
        detections[one.image_id] = found(*((box, 0.9, label) for box, label in rows))
    result = breakdown(truth, detections)
    assert result.ap == pytest.approx(1)
    assert not result.counts.any()
    assert result.gains == dict.fromkeys(KINDS, 0)
    assert result.false_positives == result.false_negatives == 0


def test_the_order_of_images_does_not_matter():
    """But for ties between images, of which there are none here."""
    truth, detections = random_set(1)
    rng = np.random.default_rng(0)
    for one in detections.values():
        one.scores[:] = np.sort(rng.random(len(one.scores)))[::-1]
    there = breakdown(truth, detections)
    back = breakdown(
        annotations(*truth.records[::-1], classes=truth.classes, ids=truth.category_ids), detections
    )
    assert back.gains == pytest.approx(there.gains)
    assert back.false_positives == pytest.approx(there.false_positives)
    assert back.counts.tolist() == there.counts.tolist()


def test_what_is_ignored_is_no_mistake():
    truth = annotations(record(1, truths=[(A, 0)], regions=[([200, 200, 300, 300], -1)]))
    detections = {1: found(([210, 210, 220, 220], 0.9, 0), ([210, 210, 220, 220], 0.9, 1), (A, 0.8, 0))}
    result = breakdown(truth, detections)
    assert result.ap == pytest.approx(1)
    assert not result.counts.any()


def test_nothing_found_and_nothing_to_find():
    """All is missed: without the misses nothing is wrong. Without truth there is no AP to gain."""
    missed = breakdown(annotations(record(1, truths=[(A, 0)])), {})
    assert (missed.ap, missed.gains["missed"], missed.false_negatives) == (0, 1, 1)
    empty = breakdown(annotations(record(1, truths=[])), {1: found((A, 0.9, 0))})
    written = json.loads(json.dumps(empty.to_dict(), allow_nan=False))
    assert written["AP"] is None
    assert set(written["dAP"].values()) == {None}
    assert written["counts"]["background"] == 1
    assert breakdown(annotations(), {}).ap is None


@pytest.mark.parametrize(("foreground", "background"), [(0.5, 0.5), (0.5, 0.0), (1.1, 0.1)])
def test_overlaps_that_make_no_sense(foreground, background):
    with pytest.raises(ValueError, match=r"rise in \(0, 1\]"):
        find_mistakes(pool(annotations(), []), foreground=foreground, background=background)
