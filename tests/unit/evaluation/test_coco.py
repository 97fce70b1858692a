"""COCO metrics against numbers worked out by hand and against pycocotools itself."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.evaluation.coco import NAMES, coco_ground_truth
from detector.evaluation.predictions import predictions_json
from tests.unit.evaluation.builders import annotations, found, measured, random_set, record

A, B = [10.0, 10.0, 20.0, 20.0], [100.0, 50.0, 112.0, 70.0]
PERSON, CAR, NO_CLASS = 0, 1, -1


def test_perfect_detections_score_one():
    truth = annotations(record(4, truths=[(A, PERSON), (B, CAR)]))
    metrics = measured(truth, {4: found((A, 0.9, PERSON), (B, 0.8, CAR))})
    expected = {"AP": 1, "AP50": 1, "AP75": 1, "APs": 1, "APm": None, "APl": None, "AR100": 1}
    assert metrics.overall == pytest.approx(expected)
    assert metrics.per_class["car"] == pytest.approx(expected)
    assert metrics.truths == {"person": 1, "car": 1}


@pytest.mark.parametrize("detections", [{}, {4: found()}], ids=["no image", "empty image"])
def test_no_detections_score_zero(detections):
    metrics = measured(annotations(record(4, truths=[(A, PERSON)])), detections)
    assert metrics.overall["AP"] == 0
    assert metrics.overall["AR100"] == 0
    assert metrics.detections == 0


def test_a_double_costs_the_precision_of_what_follows():
    """Hits 1, 0, 1 on two truths: precision 1 up to recall 0.5 (51 of 101 grid points), then 2/3 (50)."""
    truth = annotations(record(4, truths=[(A, PERSON), (B, PERSON)]))
    detections = {4: found((A, 0.9, PERSON), (A, 0.8, PERSON), (B, 0.7, PERSON))}
    metrics = measured(truth, detections)
    expected = (51 + 50 * 2 / 3) / 101
    assert metrics.per_class["person"]["AP"] == pytest.approx(expected)
    assert metrics.per_class["person"]["AR100"] == 1
    curve = metrics.curves
    np.testing.assert_allclose(curve.precision[PERSON], [1.0] * 51 + [2 / 3] * 50)
    np.testing.assert_allclose(curve.scores[PERSON], [0.9] * 51 + [0.7] * 50, rtol=1e-6)
    assert curve.truths.tolist() == [2, 0]


def test_a_shifted_box_hits_up_to_its_iou():
    """10 x 10 shifted by 2: 80 / 120 = 0.667, a hit at 0.50, 0.55, 0.60, 0.65 and at no more of the ten."""
    truth = annotations(record(4, truths=[([0, 0, 10, 10], PERSON)]))
    metrics = measured(truth, {4: found(([2, 0, 12, 10], 0.9, PERSON))})
    values = metrics.per_class["person"]
    assert values["AP"] == pytest.approx(0.4)
    assert values["AR100"] == pytest.approx(0.4)
    assert (values["AP50"], values["AP75"]) == pytest.approx((1, 0))


def test_sizes_are_told_apart():
    small, medium, large = [0, 0, 31, 31], [100, 0, 140, 40], [200, 0, 300, 100]
    truth = annotations(record(4, truths=[(small, CAR), (medium, CAR), (large, CAR)]))
    metrics = measured(truth, {4: found((small, 0.9, CAR), (large, 0.8, CAR))})
    assert [metrics.overall[name] for name in ("APs", "APm", "APl")] == pytest.approx([1, 0, 1])


def test_a_class_without_truth_is_null_and_outside_the_mean():
    truth = annotations(record(4, truths=[(A, PERSON)]))
    metrics = measured(truth, {4: found((B, 0.9, CAR), (A, 0.8, PERSON))})
    assert metrics.per_class["car"] == dict.fromkeys(NAMES)
    assert metrics.overall["AP"] == pytest.approx(1)
    assert np.isnan(metrics.curves.precision[CAR]).all()
    written = json.loads(json.dumps(metrics.to_dict(), allow_nan=False))
    assert written["per_class"]["car"]["AP50"] is None
    assert written["AP50"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("region", "person", "car"),
    [
        (None, 0.5, 0.5),
        ((300, 300, 400, 400, NO_CLASS), 1, 1),
        ((300, 300, 400, 400, PERSON), 1, 0.5),
        ((300, 300, 306, 400, NO_CLASS), 1, 1),  # 6 of the box's 10 columns lie inside
        ((300, 300, 304, 400, NO_CLASS), 0.5, 0.5),  # 4 of 10
    ],
    ids=["no region", "of no class", "of one class", "most inside", "most outside"],
)
def test_an_ignored_region_swallows_what_lies_mostly_inside(region, person, car):
    """A false positive ahead of the only hit halves AP50, unless it is ignored."""
    regions = [(list(region[:4]), region[4])] if region else []
    truth = annotations(record(4, truths=[(A, PERSON), (B, CAR)], regions=regions))
    stray = [300, 300, 310, 310]
    detections = found((stray, 0.9, PERSON), (stray, 0.9, CAR), (A, 0.8, PERSON), (B, 0.7, CAR))
    metrics = measured(truth, {4: detections})
    assert metrics.per_class["person"]["AP50"] == pytest.approx(person)
    assert metrics.per_class["car"]["AP50"] == pytest.approx(car)
    assert metrics.truths == {"person": 1, "car": 1}


def test_a_region_swallows_any_number_but_is_never_to_be_found():
    truth = annotations(record(4, truths=[(A, PERSON)], regions=[([300, 300, 400, 400], NO_CLASS)]))
    strays = [([300 + 10 * k, 300, 310 + 10 * k, 310], 0.9, PERSON) for k in range(8)]
    assert measured(truth, {4: found(*strays, (A, 0.5, PERSON))}).overall["AP"] == pytest.approx(1)
    assert measured(truth, {4: found((A, 0.5, PERSON))}).overall["AR100"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_pycocotools_used_directly(seed, tmp_path: Path):
    """Through files, COCO.loadRes and summarize, as its demo has it; categories 9, 2, 5 are not in order."""
    truth, detections = random_set(seed)
    (tmp_path / "truth.json").write_text(json.dumps(coco_ground_truth(truth)))
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(reference, reference.loadRes(list(predictions_json(detections, truth))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = evaluation.stats
    metrics = measured(truth, detections)
    expected = dict(zip(NAMES, [*stats[:6], stats[8]], strict=True))
    assert 0.1 < metrics.overall["AP"] < 0.9
    assert metrics.overall == pytest.approx(expected, rel=1e-12)
    column = evaluation.params.catIds.index(5)
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    assert metrics.per_class["c"]["AP"] == pytest.approx(precision[:, :, column, 0, 2].mean())
    assert metrics.per_class["c"]["AR100"] == pytest.approx(recall[:, column, 0, 2].mean())


def test_ground_truth_is_coco():
    truth = annotations(
        record(4, truths=[(B, CAR)], regions=[(A, NO_CLASS)]), classes=("person", "car"), ids=(7, 3)
    )
    written = coco_ground_truth(truth)
    assert written["categories"] == [{"id": 7, "name": "person"}, {"id": 3, "name": "car"}]
    assert written["images"] == [{"id": 4, "file_name": "frame_4.png", "width": 640, "height": 512}]
    common = {"image_id": 4, "bbox": [10, 10, 10, 10], "area": 100, "iscrowd": 1}
    assert written["annotations"] == [
        {"id": 1, "image_id": 4, "category_id": 3, "bbox": [100, 50, 12, 20], "area": 240, "iscrowd": 0},
        {"id": 2, "category_id": 7, **common},
        {"id": 3, "category_id": 3, **common},
    ]


def test_nothing_is_printed(capsys):
    measured(annotations(record(4, truths=[(A, PERSON)])), {4: found((A, 0.9, PERSON))})
    assert capsys.readouterr().out == ""


def test_the_table_has_a_row_for_all_and_for_each():
    truth = annotations(record(4, truths=[(A, PERSON), (B, PERSON)]))
    lines = measured(truth, {4: found((A, 0.9, PERSON))}).table().splitlines()
    assert lines[0].split() == ["class", "truths", *NAMES]
    # One of two found: precision 1 on 51 of 101 recalls.
    assert lines[1].split() == ["all", "2", "0.5050", "0.5050", "0.5050", "0.5050", "-", "-", "0.5000"]
    assert lines[3].split() == ["car", "0"] + ["-"] * 7
    assert len({len(line) for line in lines[:4]}) == 1


def test_detections_of_an_unknown_image_are_refused():
    with pytest.raises(ValueError, match="id 5"):
        measured(annotations(record(4, truths=[])), {5: found()})


@pytest.mark.parametrize("label", [-1, 2])
def test_detections_of_an_unknown_class_are_refused(label):
    with pytest.raises(ValueError, match="image 4"):
        measured(annotations(record(4, truths=[])), {4: found((A, 0.5, label))})
