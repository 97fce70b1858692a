"""How the breakdown reaches the file and the screen."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from detector.evaluation.coco import NAMES
from detector.evaluation.metrics.curves import precision_at_recall
from tests.unit.evaluation.builders import BINS, annotations, found, measured, record

SMALL, PART, LARGE = [0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0], [100.0, 0.0, 130.0, 30.0]
TRUTH = annotations(record(4, truths=[(SMALL, 0), (PART, 0), (LARGE, 1)]))
DETECTIONS = {4: found((SMALL, 0.9, 0), (LARGE, 0.8, 1))}


def test_metrics_hold_it():
    full = measured(TRUTH, DETECTIONS)
    written = json.loads(json.dumps(full.to_dict(), allow_nan=False))
    new = {"MR-2", "JI", "crowd_recall", "overlap", "sizes"}
    diagnosis = {"thresholds", "confusion", "calibration", "froc", "tide"}
    counts = {"images", "truths", "detections", "per_class", *precision_at_recall(full.curves)}
    assert set(written) == {*NAMES, *counts, *new, *diagnosis}
    # Both persons overlap by 0.5; one of them is found. The car's class has no such truth.
    assert written["crowd_recall"] == 0.5
    assert list(written["overlap"]) == ["all", "0", "0-0.1", "0.1-0.3", ">0.3"]
    assert written["overlap"]["0"] == pytest.approx({"AP": 1, "AP50": 1, "AR100": 1, "R50": 1, "truths": 1})
    assert written["sizes"]["<6"]["R50"] == 0.5
    assert written["sizes"][">24"]["truths"] == 1
    car = written["per_class"]["car"]
    assert set(car) == {*NAMES, "truths", *new}
    assert (car["crowd_recall"], car["MR-2"], car["overlap"][">0.3"]["AP"]) == (None, 0, None)


def test_the_table_shows_it_below():
    lines = measured(TRUTH, DETECTIONS, bins=replace(BINS, crowd_above=0.3)).table().splitlines()
    rows = [line.split() for line in lines]
    assert [row[:1] for row in rows[:5]] == [["class"], ["all"], ["person"], ["car"], []]
    assert rows[5] == ["overlap", "truths", "AP", "AP50", "AR100", "R50"]
    # One of two persons: precision 1 on 51 of 101 recalls; R50 of the bin: 1/2.
    assert [">0.3", "2", "0.5050", "0.5050", "0.5000", "0.5000"] in rows
    assert ["12-24", "0", "-", "-", "-", "-"] in rows
    # MR^-2 is 1/2 for the persons, never a false positive, and 0 for the cars; JI 1/2 and 1.
    assert "MR^-2 0.2500 (less is better)   JI 0.7500   recall of 2 truths with overlap >0.3: 0.5000" in lines


def test_scalars_have_a_name_each():
    scalars = measured(TRUTH, DETECTIONS).breakdown.scalars()
    assert scalars["JI"] == pytest.approx(0.75)
    assert scalars["AP_by_overlap/0"] == pytest.approx(1)
    assert scalars["AP_by_size/12-24"] is None
    assert all(re.fullmatch(r"[-\w./]+", name) for name in scalars)
    assert len(scalars) == 3 + 4 + 4
