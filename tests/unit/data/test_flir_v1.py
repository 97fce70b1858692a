import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.errors import UserError
from detector.thermal import io
from tests.built import built
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.hostile import assert_survives, changed, fuzz

NAMES = ("person", "bicycle", "car", "dog", "other vehicle")


def item(key: int, image: int, category: int, bbox: list[Any]) -> dict[str, Any]:
    return {"id": key, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": 0}


LATER: dict[str, Any] = {
    "images": [
        {"id": 0, "file_name": "thermal_8_bit/FLIR_00001.jpeg", "width": 64, "height": 51},
        {"id": 1, "file_name": "thermal_8_bit/FLIR_00002.jpeg", "width": 64, "height": 51},
    ],
    "annotations": [
        item(1, 0, 3, [1, 2, 10, 20]),
        item(2, 0, 91, [4, 5, 6, 7]),
        # Ids restart in every image.
        item(1, 1, 18, [0, 0, 3, 3]),
        item(2, 1, 17, [5, 5, 4, 4]),
        item(3, 1, 45, [9, 9, 4, 4]),
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 17, "name": "dog"}, {"id": 45, "name": "bowl"}],
}


def save_pair(raw: Path, preview: Path) -> None:
    save_frame(raw, np.full((51, 64), 7000, np.uint16))
    save_frame(preview, np.full((51, 64), 90, np.uint8))


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """Edition 1.3."""
    for split in ("train", "video"):
        folder = tmp_path / "FLIR_ADAS_1_3" / split
        for name in ("FLIR_00001", "FLIR_00002"):
            save_pair(folder / f"thermal_16_bit/{name}.tiff", folder / f"thermal_8_bit/{name}.jpeg")
        save_json(folder / "thermal_annotations.json", LATER)
    return tmp_path


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The edition of 2018: a file for each picture."""
    folder = tmp_path / "training"
    for number, name in enumerate(("FLIR_00001", "FLIR_00002"), 1):
        save_pair(folder / f"Data/{name}.tiff", folder / f"PreviewData/{name}.jpeg")
        image = {"id": 1, "file_name": name, "width": 64, "height": 51}
        items = [item(1, 1, 1, [number, 2, 10, 20]), item(2, 1, 91, [30, 30, 4, 4])]
        save_json(folder / f"Annotations/{name}.json", {"annotation": items, "image": image})
    return tmp_path


@pytest.mark.parametrize("inner", ["", "FLIR_ADAS_1_3"])
def test_the_later_edition(later: Path, inner: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        annotations = built("data/flir_v1", root=later / inner).load("train")
    assert annotations.classes == NAMES
    assert annotations.category_ids == (1, 2, 3, 18, 91)
    one, two = annotations.records
    assert one.path == later / "FLIR_ADAS_1_3/train/thermal_16_bit/FLIR_00001.tiff"
    assert one.sequence is None
    np.testing.assert_array_equal(one.labels, [2, 4])
    np.testing.assert_array_equal(one.boxes, [[1, 2, 11, 22], [4, 5, 10, 12]])
    # The file's own id for dogs, 17, is the readme's 18; a bowl is none of the set's classes.
    np.testing.assert_array_equal(two.labels, [3, 3])
    assert len(caplog.messages) == 1
    assert "1 objects of other categories" in caplog.messages[0]
    assert caplog.messages[0].endswith("category ids 45")


@pytest.mark.parametrize(
    ("frames", "folder", "depth", "level"),
    [("16bit", "thermal_16_bit", 16, 7000), ("8bit", "thermal_8_bit", 8, 90)],
)
def test_raw_frames_or_previews(later: Path, frames: str, folder: str, depth: int, level: int) -> None:
    record = built("data/flir_v1", root=later, frames=frames).load("train").records[0]
    assert record.path.parent.name == folder
    assert record.path.is_file()
    frame = io.read(record.path)
    assert frame.counts.dtype.itemsize * 8 == depth
    assert (frame.counts == level).all()


def test_the_video_is_one_recording(later: Path) -> None:
    source = built("data/flir_v1", root=later)
    assert source.splits() == ("train", "video")
    assert {record.sequence for record in source.load("video").records} == {"video"}


def test_the_first_edition(first: Path) -> None:
    source = built("data/flir_v1", root=first)
    assert source.splits() == ("train",)
    annotations = source.load("train")
    assert annotations.classes == NAMES
    assert [record.image_id for record in annotations.records] == [1, 2]
    second = annotations.records[1]
    assert second.path == first / "training/Data/FLIR_00002.tiff"
    np.testing.assert_array_equal(second.boxes, [[2, 2, 12, 22], [30, 30, 34, 34]])
    np.testing.assert_array_equal(second.labels, [0, 4])
    preview = built("data/flir_v1", root=first, frames="8bit").load("train").records[1]
    assert preview.path == first / "training/PreviewData/FLIR_00002.jpeg"


def test_errors_name_the_place(first: Path) -> None:
    with pytest.raises(UserError, match="frames=14bit: must be 16bit or 8bit"):
        built("data/flir_v1", root=first, frames="14bit")
    with pytest.raises(UserError, match=r"'val'.*splits found: train"):
        built("data/flir_v1", root=first).load("val")
    file = first / "training/Annotations/FLIR_00002.json"
    document = json.loads(file.read_text())
    save_json(file, {**document, "annotation": [item(1, 1, 1, [1, 2, 3])]})
    with pytest.raises(UserError, match=r"annotation 1 of FLIR_00002\.json: bbox must be"):
        built("data/flir_v1", root=first).load("train")
    save_json(file, {"annotation": []})
    with pytest.raises(UserError, match=r"FLIR_00002\.json: 'image' must be an object"):
        built("data/flir_v1", root=first).load("train")
    file.unlink()
    (first / "training/Data/FLIR_00001.tiff").unlink()
    with pytest.raises(UserError, match=r"1 of 1 image files are missing: .*Data/FLIR_00001\.tiff"):
        built("data/flir_v1", root=first).load("train")


@fuzz
@given(document=changed(LATER))
def test_any_values_in_the_later_edition(later: Path, document: Any) -> None:
    save_json(later / "FLIR_ADAS_1_3/train/thermal_annotations.json", document)
    assert_survives(lambda: built("data/flir_v1", root=later).load("train"))


@fuzz
@given(document=changed({"image": LATER["images"][0], "annotation": LATER["annotations"][:2]}))
def test_any_values_in_the_first_edition(first: Path, document: Any) -> None:
    save_json(first / "training/Annotations/FLIR_00001.json", document)
    assert_survives(lambda: built("data/flir_v1", root=first).load("train"))
