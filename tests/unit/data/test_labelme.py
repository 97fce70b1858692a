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

# Written by labelme 6.3.1.
LABELME = json.loads(
    """{"version": "6.3.1", "flags": {}, "shapes": [
{"label": "car", "points": [[20.5, 10.0], [1.25, 2.0]], "group_id": null, "description": "",
"shape_type": "rectangle", "flags": {}, "mask": null},
{"label": "person", "points": [[3.0, 4.0], [39.0, 4.0], [20.0, 29.5]], "group_id": null, "description": "",
"shape_type": "polygon", "flags": {}, "mask": null},
{"label": "person", "points": [[20.0, 15.0], [23.0, 19.0]], "group_id": null, "description": "",
"shape_type": "circle", "flags": {}, "mask": null},
{"label": "person", "points": [[1, 1], [5, 5]], "group_id": null, "description": "", "shape_type": "line",
"flags": {}, "mask": null}],
"imagePath": "a_1.png", "imageData": null, "imageHeight": 30, "imageWidth": 40}"""
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("walk/a_1.png", "drive/a_1.png", "c.png"):
        save_frame(tmp_path / "train" / name, np.zeros((30, 40), np.uint16))
    save_json(tmp_path / "train/walk/a_1.json", LABELME)
    save_json(tmp_path / "train/drive/a_1.json", {**LABELME, "shapes": [], "imageData": "iVBORw0KGgo="})
    return tmp_path


def test_what_labelme_wrote(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = built("data/labelme", root=root, sequence_pattern="^(.*)/")
    assert source.splits() == ("train",)
    with caplog.at_level(logging.WARNING):
        truth = source.load("train")
    assert truth.classes == ("car", "person")
    # c.png has no file: it is not labelled. Two pictures of one name are told apart by their folders.
    empty, full = truth.records
    assert (empty.sequence, full.sequence) == ("drive", "walk")
    assert len(empty.boxes) == 0
    np.testing.assert_array_equal(full.boxes, [[1.25, 2, 20.5, 10], [3, 4, 39, 29.5], [15, 10, 25, 20]])
    np.testing.assert_array_equal(full.labels, [0, 1, 1])
    assert "shapes that surround nothing left out: 1 line" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shapes": None}, "'shapes' must be a list of objects"),
        ({"imagePath": 3}, "imagePath must be text, found 3"),
        ({"imagePath": "../../secret.png"}, "1 of 2 labelled pictures are missing: walk/secret.png"),
        ({"imageWidth": 41}, "labelled at 41x30 pixels, but .*a_1.png has 40x30"),
        ({"shapes": [{"label": "a", "points": [[1]]}]}, "shape 1: points must be a list of"),
        ({"shapes": [{"label": "", "points": [[1, 2]]}]}, "a class name must be printable text"),
        ({"shapes": [{"label": "a", "points": [[1, 2]], "shape_type": "circle"}]}, "a circle has 2 points"),
    ],
)
def test_one_line_says_what_is_wrong(root: Path, change: dict[str, Any], message: str) -> None:
    save_json(root / "train/walk/a_1.json", {**LABELME, **change})
    with pytest.raises(UserError, match=message):
        built("data/labelme", root=root).load("train")


@fuzz
@given(data=st.data())
def test_no_damage_leads_elsewhere(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "labelme"
    save_frame(folder / "train/a_1.png", np.zeros((30, 40), np.uint16))
    save_json(folder / "train/a_1.json", data.draw(changed(LABELME)))
    assert_survives(lambda: built("data/labelme", root=folder).load("train"))
