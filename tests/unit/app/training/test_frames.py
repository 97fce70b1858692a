"""How often the frames of a run are shown: what rare classes and false alarms ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detector.app.training import frames
from detector.app.training.frames import alarms_told, false_alarms_on, showing_factors
from detector.data.annotations import Annotations
from detector.data.splits import select
from detector.evaluation.predictions import predictions_json
from detector.structures import Detections
from tests.unit.data.builders import split_on_disk


@pytest.fixture
def split(tmp_path) -> Annotations:
    return split_on_disk(tmp_path, 4, boxes=2)


def found(split: Annotations, *alarmed: int) -> dict[int, Detections]:
    """Every object of the split, and a pixel in the corner of some of its frames."""
    corner = np.array([[31.0, 23.0, 32.0, 24.0]], np.float32)
    return {
        record.image_id: Detections(
            boxes=np.concatenate((record.boxes[:1], corner[: index in alarmed])),
            scores=np.full(1 + (index in alarmed), 0.9, np.float32),
            labels=np.zeros(1 + (index in alarmed), np.int64),
        )
        for index, record in enumerate(split.records)
    }


def test_without_a_file_there_are_none(split):
    assert false_alarms_on(split, {"false_alarms": None}) is None
    assert false_alarms_on(split, {}) is None


def test_frames_drawn_by_lot_have_their_own_out_of_a_file_of_all(split, tmp_path, monkeypatch):
    file = tmp_path / "predictions.json"
    predictions_json(found(split, 1, 3), split).save(file)
    data = {"false_alarms": str(file), "frames": None, "train": "train"}
    assert false_alarms_on(split, data) == [0, 1, 0, 1]
    monkeypatch.setattr(frames, "load_split", lambda _data, _name: split)
    assert false_alarms_on(select(split, np.array([2, 3])), {**data, "frames": 2}) == [0, 1]


def test_the_larger_of_rarity_and_false_alarms_counts(split):
    # The second class only in the first two frames: half of all, factor sqrt(1 / 0.5).
    rows = [replace(one, labels=one.labels * 0, ignored=one.ignored & False) for one in split.records]
    rows[:2] = [replace(one, labels=np.array([0, 1])) for one in rows[:2]]
    some = replace(split, records=tuple(rows))
    rare = np.sqrt(2)
    np.testing.assert_allclose(showing_factors(some, rare_below=1, false_alarms=None), [rare, rare, 1, 1])
    np.testing.assert_allclose(
        showing_factors(some, rare_below=1, false_alarms=[0, 1, 1, 0]), [rare, 3, 3, 1]
    )
    np.testing.assert_allclose(showing_factors(some, rare_below=0, false_alarms=[0, 0, 0, 0]), [1, 1, 1, 1])


def test_what_false_alarms_change_is_told():
    told = alarms_told([0, 2, 1, 0], np.array([1.0, 3.0, 2.0, 2.0]))
    assert told == "data.false_alarms has 3, on 2 of 4 frames: these are 62% of those shown"
