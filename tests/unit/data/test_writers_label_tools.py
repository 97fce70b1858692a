"""What is written for label tools is read back exactly; that the tools read it was checked by hand.

datumaro 1.13.12 (cvat), label-studio-sdk 2.1.2 (its converter, to COCO) and labelme 6.3.1 gave the same
boxes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.data.annotations import Annotations
from detector.data.writers.cvat import write_cvat
from detector.data.writers.label_studio import write_label_studio
from detector.data.writers.labelme import write_labelme
from detector.data.writers.output import copy
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.hostile import fuzz
from tests.unit.data.made import HEIGHT, WIDTH, annotations, record

FORMATS = {
    "cvat": (write_cvat, {}),
    "label_studio": (write_label_studio, {}),
    "predictions": (partial(write_label_studio, predictions=True), {"take": "predictions"}),
    "labelme": (write_labelme, {}),
}


def named(truth: Annotations) -> dict[str, list[tuple[str, list[float]]]]:
    """Class names and boxes of what is no ignored region, by the picture's name."""
    return {
        item.path.name: [
            (truth.classes[label], box)
            for label, box in zip(item.labels[item.real], item.boxes[item.real].tolist(), strict=True)
        ]
        for item in truth.records
    }


@pytest.mark.parametrize("name", FORMATS)
@fuzz
@given(data=st.data())
def test_round_trips(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    write, changes = FORMATS[name]
    folder = tmp_path_factory.mktemp("round")
    pictures = [folder / "in" / place for place in ("walk/1 é%.png", "drive/2.png")]
    for number, picture in enumerate(pictures):
        save_frame(picture, np.full((HEIGHT, WIDTH), number, np.uint16))
    truth = data.draw(annotations(pictures=pictures, least_side=1e-3))
    write({"train": truth}, folder / "out", place=copy)
    source = built(
        f"data/{'label_studio' if name == 'predictions' else name}", root=folder / "out", **changes
    )
    if not any(item.real.any() for item in truth.records) and name != "cvat":
        with pytest.raises(UserError, match="no class to learn"):
            source.load("train")
        return
    read = source.load("train")
    if name == "cvat":  # the only one that lists classes
        assert read.classes == truth.classes
    expected, found = named(truth), named(read)
    assert expected.keys() == found.keys()
    for picture, objects in expected.items():
        assert [label for label, _ in found[picture]] == [label for label, _ in objects]
        boxes = [box for _, box in objects]
        # Percent of the picture and back may differ in float32's last bit.
        tolerance = 0 if source.__class__.__name__ != "LabelStudioSource" else WIDTH * 2**-22
        np.testing.assert_allclose([box for _, box in found[picture]], boxes, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_left_out_is_counted(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write: Callable[..., None] = FORMATS[name][0]
    save_frame(tmp_path / "a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    box = (1.0, 2.0, 9.0, 8.0)
    item = record(tmp_path / "a.png", [(box, 0, False), (box, 0, True)], sequence="walk")
    with caplog.at_level(logging.WARNING):
        write({"train": Annotations(("a",), (item,), (1,))}, tmp_path / "out", place=copy)
    assert "1 ignored regions and the names of 1 recordings: left out" in caplog.text


def test_pre_labels_have_the_form_that_label_studio_imports(tmp_path: Path) -> None:
    save_frame(tmp_path / "in/my a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    item = record(tmp_path / "in/my a.png", [((10, 15, 30, 18), 1, False)])
    write_label_studio(
        {"train": Annotations(("a", "b"), (item,), (1, 2))}, tmp_path / "out", place=copy, predictions=True
    )
    (task,) = json.loads((tmp_path / "out/train.json").read_text())
    assert task["data"] == {"image": "/data/local-files/?d=train/my%20a.png"}
    assert "annotations" not in task
    ((region,),) = [prediction["result"] for prediction in task["predictions"]]
    assert region["value"] == {
        **{"x": 25.0, "y": 50.0, "width": 50.0, "height": 10.0},
        **{"rotation": 0, "rectanglelabels": ["b"]},
    }
    assert (region["original_width"], region["original_height"]) == (WIDTH, HEIGHT)
    view = ElementTree.parse(tmp_path / "out/label_config.xml").getroot()
    names = {item.get("name") for item in view}
    assert names == {region["from_name"], region["to_name"]}
    assert [item.get("value") for item in view.iter("Label")] == ["a", "b"]


def test_labelme_files_hold_no_picture(tmp_path: Path) -> None:
    save_frame(tmp_path / "in/a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    truth = Annotations(("a",), (record(tmp_path / "in/a.png"),), (1,))
    write_labelme({"train": truth}, tmp_path / "out", place=copy)
    document = json.loads((tmp_path / "out/train/a.json").read_text())
    assert (document["imageData"], document["imagePath"]) == (None, "a.png")
