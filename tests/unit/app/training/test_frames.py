"""Which frames a run learns from, and how often each is shown."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from detector.app.training import frames
from detector.app.training.frames import (
    alarms_told,
    false_alarms_on,
    showing_factors,
    training_loader,
    training_split,
)
from detector.data.annotations import Annotations
from detector.data.augment.recipe import PatchTransform
from detector.data.splits import select
from detector.data.writers.coco import write_coco
from detector.engine.settings import EngineSettings
from detector.errors import UserError
from detector.evaluation.predictions import predictions_json
from detector.structures import Detections
from tests.built import read, settings_at
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


@pytest.fixture
def two_sets(split, tmp_path):
    """A run's settings that name the split, written as a COCO set, and one of other names beside it."""
    names = split.classes
    other = split_on_disk(tmp_path / "more", 3, boxes=2)
    other = replace(other, classes=("dog", names[1], "tree"), category_ids=(1, 2, 3))
    for folder, written in (("own", split), ("above", other)):
        write_coco({"train": written}, tmp_path / folder, place=shutil.copyfile)
    data = {**settings_at("data/coco"), "root": str(tmp_path / "own")}
    beside = {**data["beside"], "root": str(tmp_path / "above"), "remap": {"dog": names[0], "tree": None}}
    return {"seed": 0, "data": {**data, "beside": beside}}


def test_frames_of_another_set_are_learnt_from_under_the_names_they_are_given(two_sets, split):
    alone = training_split({**two_sets, "data": {**two_sets["data"], "beside": None}})
    both = training_split(two_sets)
    assert both.classes == alone.classes == split.classes
    assert (len(alone.records), len(both.records)) == (4, 7)
    assert [record.path for record in both.records[:4]] == [record.path for record in alone.records]
    other = split.records[:3]  # the same objects, as the sets are made alike
    for record, same in zip(both.records[4:], other, strict=True):
        np.testing.assert_array_equal(record.labels, same.labels)
        np.testing.assert_allclose(record.boxes, same.boxes)
    assert len({record.image_id for record in both.records}) == 7


def test_classes_that_the_set_does_not_know_are_named(two_sets):
    two_sets["data"]["beside"]["remap"] = None
    with pytest.raises(
        UserError, match=r"data\.beside\.root=.*above: has the classes dog, .*data\.beside\.remap="
    ):
        training_split(two_sets)


def test_a_set_beside_that_is_not_there_is_named_as_the_user_named_it(two_sets, tmp_path):
    two_sets["data"]["beside"]["root"] = str(tmp_path / "none")
    with pytest.raises(UserError, match=r"^data\.beside\.root=.*none: no such folder$"):
        training_split(two_sets)


def test_false_alarms_of_two_sets_are_refused(two_sets):
    two_sets["data"]["false_alarms"] = "predictions.json"
    with pytest.raises(UserError, match=r"data\.beside and data\.false_alarms"):
        training_split(two_sets)


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


def test_the_last_epochs_have_no_mosaics(split):
    settings = read(
        EngineSettings, "engine/default", epochs=8, evaluate_every=1, batch_size=2, no_mosaic_fraction=0.25
    )
    config = {
        "seed": 0,
        "thermal": settings_at("thermal/percentile"),
        "augment": settings_at("augment/default"),
        "data": {"rare_below": 0.0},
    }
    loader = training_loader(config, settings, split, false_alarms=None, workers=0, multiple=16)
    transform = loader.dataset.transform
    assert isinstance(transform, PatchTransform)
    assert transform.mosaic_epochs == 6
