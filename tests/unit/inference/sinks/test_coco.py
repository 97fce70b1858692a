"""A COCO results file, streamed."""

from __future__ import annotations

import json
from pathlib import Path

from detector.evaluation.predictions import predictions_json
from detector.inference.sinks.coco import CocoResults
from tests.unit.evaluation.builders import annotations, record
from tests.unit.inference.builders import found, prediction

BOX = [10.0, 20.0, 30.5, 60.25]
SPLIT = annotations(*(record(image_id, truths=[(BOX, 0)]) for image_id in (7, 3, 9)), ids=(5, 8))
ROWS = [((BOX, 0.75, 1), (BOX, 0.5, 0)), (), ((BOX, 0.25, 0),)]


def test_the_file_is_what_evaluation_reads(tmp_path: Path):
    file = tmp_path / "new" / "predictions.json"
    with CocoResults(file, SPLIT) as results:
        for rows in ROWS:
            results.write(prediction(*rows))
            assert not file.exists()
    expected = predictions_json({7: found(*ROWS[0]), 3: found(), 9: found(*ROWS[2])}, SPLIT)
    assert file.read_text() == json.dumps(list(expected))
    assert list(results.entries) == list(expected)
    assert [(entry["image_id"], entry["category_id"]) for entry in expected] == [(7, 8), (7, 5), (9, 5)]
    assert [other.name for other in file.parent.iterdir()] == ["predictions.json"]


def test_what_is_not_whole_does_not_look_whole(tmp_path: Path):
    file = tmp_path / "predictions.json"
    with CocoResults(file, SPLIT) as results:
        results.write(prediction(*ROWS[0]))
    assert not file.exists()
    assert len(json.loads((tmp_path / "predictions.json.partial").read_text())) == 2
