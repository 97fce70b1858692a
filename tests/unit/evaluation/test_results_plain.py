"""Results in pieces: the same entries wherever the cuts fall, nothing that the careful reader must see."""

import json

import pytest

from detector.evaluation import results_plain
from detector.evaluation.predictions import Entries, predictions_json
from detector.evaluation.results_plain import read_plain_results
from tests.unit.evaluation.builders import random_set

TRUTH, DETECTIONS = random_set(0)
ENTRIES = list(predictions_json(DETECTIONS, TRUTH))
GOOD = {"image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4], "score": 0.5}


@pytest.mark.parametrize("piece", [1, 7, 100, 2**24])
@pytest.mark.parametrize("indent", [None, 90])
def test_the_same_entries_wherever_the_cuts_fall(
    piece: int, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_plain, "_PIECE", piece)
    found = read_plain_results(json.dumps(ENTRIES, indent=indent).encode(), TRUTH)
    assert found is not None
    assert list(found) == ENTRIES


def test_no_detection_at_all() -> None:
    found = read_plain_results(b" [ ]\n", TRUTH)
    assert found is not None
    assert len(found) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "[[]]",
        json.dumps({"annotations": [GOOD]}),
        json.dumps([GOOD])[:-1],
        json.dumps([GOOD]) + "x",
        json.dumps([GOOD])[:-1] + ",]",
        json.dumps([GOOD, GOOD]).replace("}, {", "} {"),
        json.dumps([GOOD, GOOD]).replace("}, {", "},, {"),
        json.dumps([{**GOOD, "image_id": 99}]),
        json.dumps([{**GOOD, "image_id": "3"}]),
        json.dumps([{**GOOD, "image_id": True}]),
        json.dumps([{**GOOD, "category_id": 1}]),
        json.dumps([{**GOOD, "bbox": [1, 2, 3]}]),
        json.dumps([{**GOOD, "bbox": [1, 2, 3, 2**25]}]),
        json.dumps([{**GOOD, "bbox": [1, 2, 3, float("nan")]}]),
        json.dumps([{**GOOD, "score": 1.5}]),
        json.dumps([{**GOOD, "file_name": "a}, {b.png"}]),
    ],
)
@pytest.mark.parametrize("piece", [1, 2**24])
def test_anything_else_is_left_to_the_careful_reader(
    text: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_plain, "_PIECE", piece)
    assert read_plain_results(text.encode(), TRUTH) is None


def test_what_is_written_in_pieces_is_one_list(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.evaluation.predictions._WRITTEN", 7)
    Entries.of(ENTRIES).save(tmp_path / "new" / "predictions.json")
    assert (tmp_path / "new" / "predictions.json").read_text() == json.dumps(ENTRIES)
