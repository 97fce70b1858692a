"""The COCO results file: what is written, that reading it changes nothing, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.evaluation.predictions import detections_of, predictions_json
from detector.evaluation.results_file import read_predictions
from detector.evaluation.split import evaluate
from detector.structures import Detections
from tests.unit.evaluation.builders import BINS, annotations, found, measured, random_set, record

TRUTH = annotations(record(4, truths=[([10, 10, 20, 20], 0)]), record(9, truths=[]), ids=(7, 3))
GOOD = {"image_id": 4, "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5}


def test_entries_are_coco_results():
    entries = predictions_json({9: found(([1.00049, 2, 4.5, 8.25], 0.5, 1)), 4: found()}, TRUTH)
    assert list(entries) == [{"image_id": 9, "category_id": 3, "bbox": [1.0, 2.0, 3.5, 6.25], "score": 0.5}]


@pytest.mark.parametrize("seed", range(3))
def test_a_file_gives_the_same_metrics_to_the_last_digit(seed, tmp_path: Path):
    truth, detections = random_set(seed)
    file = tmp_path / "predictions.json"
    file.write_text(json.dumps(list(predictions_json(detections, truth))))
    before = measured(truth, detections)
    after = evaluate(truth, read_predictions(file, truth), bins=BINS).metrics
    assert after.to_dict() == before.to_dict()
    assert (after.curves.scores == before.curves.scores).all()


coordinate = st.floats(0, 8191, width=32)


@settings(deadline=None, max_examples=50)  # no deadline: a busy machine is no failure
@given(st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate, st.floats(0, 1, width=32))))
def test_writing_what_was_read_gives_the_same_file(tmp_path_factory, rows):
    corners = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d, _ in rows]
    scores = sorted((row[4] for row in rows), reverse=True)
    detections = Detections(
        boxes=np.array(corners, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        labels=np.zeros(len(rows), np.int64),
    )
    entries = predictions_json({4: detections}, TRUTH)
    file = tmp_path_factory.mktemp("predictions") / "predictions.json"
    file.write_text(json.dumps(list(entries)))
    again = read_predictions(file, TRUTH)
    assert list(again) == list(entries)
    assert list(predictions_json(detections_of(again, TRUTH), TRUTH)) == list(entries)


def test_a_file_out_of_order_is_put_best_first(tmp_path: Path):
    file = tmp_path / "predictions.json"
    file.write_text(json.dumps([{**GOOD, "score": score} for score in (0.25, 0.75, 0.5)]))
    loaded = detections_of(read_predictions(file, TRUTH), TRUTH)
    assert loaded[4].scores.tolist() == [0.75, 0.5, 0.25]
    assert loaded[4].boxes[0].tolist() == [1, 2, 4, 6]
    assert loaded[9].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'[{"image_id": ' + b"9" * 5000 + b"}]", "not JSON"),
        (b'{"annotation": 1}', "expected a list"),
        (b"3", "expected a list"),
        (b"[[1, 2]]", "entry 0 is"),
        (json.dumps([GOOD, {**GOOD, "image_id": "four"}]), 'entry 1: image_id is "four"'),
        (
            json.dumps([{"image_id": 4, "boxes": [[1, 2, 3, 4]], "labels": [7], "scores": []}]),
            "as many labels",
        ),
        (json.dumps([{"image_id": 4, "detections": [3]}]), "object 0 is 3"),
        (json.dumps([{**GOOD, "category_id": "cow"}]), 'category_id is "cow"'),
        (json.dumps([{**GOOD, "image_id": True}]), "image_id is true"),
        (json.dumps([{**GOOD, "image_id": 5}]), "image_id 5 is not in this split"),
        (json.dumps([{**GOOD, "category_id": 1}]), "category_id 1 is none of"),
        (json.dumps([{"image_id": 4}]), "category_id is null"),
        (json.dumps([{**GOOD, "bbox": [1, 2, 3]}]), "bbox is"),
        (json.dumps([{**GOOD, "bbox": [1, 2, 3, float("nan")]}]), "bbox is"),
        (json.dumps([{**GOOD, "bbox": [1, 2, 3, 1e300]}]), "bbox is"),
        (json.dumps([{**GOOD, "bbox": [1, 2, 3, 10**400]}]), "bbox is"),
        (json.dumps([{**GOOD, "bbox": [10, 10, -3, 4]}]), "negative width"),
        (json.dumps([{**GOOD, "bbox": "x" * 10_000}]), "bbox is"),
        (json.dumps([{**GOOD, "score": 1.5}]), "score is 1.5"),
        (json.dumps([{**GOOD, "score": float("inf")}]), "score is Infinity"),
        (json.dumps([{**GOOD, "score": None}]), "score is null"),
        (json.dumps([{**GOOD, "score": True}]), "score is true"),
    ],
)
def test_hostile_files_are_refused_in_one_line(content, message, tmp_path: Path):
    file = tmp_path / "predictions.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        read_predictions(file, TRUTH)
    text = str(caught.value)
    assert message in text
    assert str(file) in text
    assert "\n" not in text
    assert len(text) < len(str(file)) + 250


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"absent\.json: cannot read predictions"):
        read_predictions(tmp_path / "absent.json", TRUTH)
