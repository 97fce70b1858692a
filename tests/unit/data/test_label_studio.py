import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.hostile import assert_survives, changed, fuzz

# Written by the converter of label-studio-sdk 2.1.2 from a COCO file, with out_type="annotations".
CONVERTED = json.loads(
    """[{"data": {"image": "/data/local-files/?d=frames/walk/a_1.png"}, "annotations": [{"result": [
{"id": "08fade466a", "type": "rectanglelabels", "value": {"x": 3.125, "y": 6.666666666666667, "width": 48.125,
"height": 26.666666666666668, "rotation": 0, "rectanglelabels": ["car"]}, "to_name": "image",
"from_name": "label_rectangles", "image_rotation": 0, "original_width": 40, "original_height": 30},
{"id": "69b49b4398", "type": "polygonlabels", "value": {"points": [[7.5, 13.333333333333334],
[97.5, 13.333333333333334], [50.0, 98.33333333333333]], "polygonlabels": ["person"]}, "to_name": "image",
"from_name": "labelpolygons", "image_rotation": 0, "original_width": 40, "original_height": 30}],
"ground_truth": false}]},
{"data": {"image": "/data/local-files/?d=frames/b_1.png"},
"annotations": [{"result": [], "ground_truth": false}]}]"""
)
NAMES = ("walk/a_1.png", "b_1.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        save_frame(tmp_path / "train" / name, np.zeros((30, 40), np.uint16))
    save_json(tmp_path / "train.json", CONVERTED)
    return tmp_path


def region(kind: str = "rectanglelabels", **value: Any) -> dict[str, Any]:
    size = {"original_width": 40, "original_height": 30}
    return {"type": kind, **size, "value": {kind: ["a"], **value}}


def task(name: str, *answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": {"image": name}, "annotations": list(answers), **more}


def load(root: Path, *tasks: dict[str, Any], **changes: Any) -> list[Any]:
    save_json(root / "train.json", list(tasks))
    return list(built("data/label_studio", root=root, **changes).load("train").records)


def test_what_its_converter_wrote(root: Path) -> None:
    source = built("data/label_studio", root=root)
    assert source.splits() == ("train",)
    truth = source.load("train")
    assert truth.classes == ("car", "person")
    assert [record.path for record in truth.records] == [root / "train" / name for name in NAMES]
    first, empty = truth.records
    np.testing.assert_allclose(first.boxes, [[1.25, 2, 20.5, 10], [3, 4, 39, 29.5]], atol=1e-6)
    np.testing.assert_array_equal(first.labels, [0, 1])
    assert len(empty.boxes) == 0


def test_turned_boxes_and_ellipses(root: Path) -> None:
    # 8x6 pixels at (20, 15), a quarter turn clockwise about that corner: 6 to the left, 8 down.
    box = region(x=50, y=50, width=20, height=20, rotation=90)
    ellipse = region("ellipselabels", x=50, y=50, radiusX=10, radiusY=20, rotation=90)
    (record,) = load(root, task("b_1.png", {"result": [box, ellipse]}))
    np.testing.assert_allclose(record.boxes, [[14, 15, 20, 23], [14, 11, 26, 19]], atol=1e-5)


def test_a_task_nobody_has_answered_is_no_empty_picture(root: Path) -> None:
    skipped = task("b_1.png", {"result": [], "was_cancelled": True})
    box = {"result": [region(x=0, y=0, width=9, height=9)]}
    (record,) = load(root, skipped, task("b_1.png"), task("a_1.png", box))
    assert record.path.name == "a_1.png"


def test_of_several_annotations_ground_truth_or_the_last_counts(root: Path) -> None:
    def answer(x: float, **more: Any) -> dict[str, Any]:
        return {"result": [region(x=x, y=0, width=10, height=10)], **more}

    old, new = (answer(x, updated_at=f"2026-01-0{day}T00:00:00Z") for x, day in ((10, 1), (20, 2)))
    assert load(root, task("b_1.png", new, old))[0].boxes[0, 0] == 8
    assert load(root, task("b_1.png", new, {**old, "ground_truth": True}))[0].boxes[0, 0] == 4


def test_predictions_are_taken_on_request_only(root: Path) -> None:
    answers = {"predictions": [{"result": [region(x=10, y=0, width=10, height=10)]}]}
    with pytest.raises(UserError, match=r"none of its 1 tasks has annotations; it has predictions: .*take="):
        load(root, task("b_1.png", **answers))
    assert load(root, task("b_1.png", **answers), take="predictions")[0].boxes.tolist() == [[4, 0, 8, 3]]


def test_what_surrounds_nothing_is_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    keypoint, unnamed = region("keypointlabels", x=1, y=1), {**region(), "value": {"x": 1}}
    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match="no class to learn"):
        load(root, task("b_1.png", {"result": [keypoint, unnamed]}))
    assert "left out: 1 keypointlabels, 1 rectanglelabels" in caplog.text


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({}, "must be a list of tasks"),
        (
            [task("b_1.png", {"result": [region(x=0, y=0, width=1)]})],
            "task 1: region 1: height must be a number",
        ),
        ([task("b_1.png", {"result": [{**region(), "original_width": 0}]})], "must be pixels above 0"),
        ([task("b_1.png", {"result": [region(rectanglelabels=["a", "b"])]})], "must have one label"),
        ([task("b_1.txt", {"result": []})], "task 1: data names no picture"),
        ([task("../../etc/c.png", {"result": []})], "1 of 1 labelled pictures are missing"),
    ],
)
def test_one_line_says_what_is_wrong(root: Path, tasks: Any, message: str) -> None:
    save_json(root / "train.json", tasks)
    with pytest.raises(UserError, match=message):
        built("data/label_studio", root=root).load("train")


def test_a_picture_of_another_size_than_was_labelled(root: Path) -> None:
    save_frame(root / "train/b_1.png", np.zeros((60, 80), np.uint16))
    with pytest.raises(UserError, match=r"labelled at 40x30 pixels, but .*b_1.png has 80x60"):
        load(root, task("b_1.png", {"result": [region(x=0, y=0, width=9, height=9)]}))


@fuzz
@given(data=st.data())
def test_no_damage_leads_elsewhere(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "label_studio"
    for name in NAMES:
        save_frame(folder / "train" / name, np.zeros((30, 40), np.uint16))
    save_json(folder / "train.json", data.draw(changed(CONVERTED)))
    assert_survives(lambda: built("data/label_studio", root=folder).load("train"))
