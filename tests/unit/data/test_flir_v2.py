import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.flir_v2 import FlirV2Source
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.hostile import assert_survives, changed, fuzz

FRAMES = (
    "video-4FRnNpmSmwktFJKjg-frame-000745-L6K4SnGhgm7QPnJXt",
    "video-4FRnNpmSmwktFJKjg-frame-000746-XJvKiS6Hui5jGj3gj",
    "video-6tLtjdkv5K5BuhB37-frame-000001-zCbGu9ErmZn6AHfEB",
)
DOCUMENT: dict[str, Any] = {
    "images": [
        {
            "id": number,
            "file_name": f"data/{name}.jpg",
            "width": 64,
            "height": 51,
            "extra_info": {"video_id": name.split("-")[1], "hours": "night"},
        }
        for number, name in enumerate(FRAMES)
    ],
    "annotations": [
        {"id": 0, "image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"id": 1, "image_id": 0, "category_id": 79, "bbox": [5, 5, 5, 5], "iscrowd": 0},
        {"id": 2, "image_id": 2, "category_id": 10, "bbox": [9, 9, 0, 5], "iscrowd": 0},
    ],
    "categories": [
        {"id": 1, "name": "person"},
        {"id": 5, "name": "airplane"},
        {"id": 10, "name": "light"},
        {"id": 79, "name": "other vehicle"},
    ],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split in ("images_thermal_train", "video_thermal_test"):
        folder = tmp_path / "FLIR_ADAS_v2" / split
        for name in FRAMES:
            save_frame(folder / f"analyticsData/{name}.tiff", np.full((51, 64), 7000, np.uint16))
            save_frame(folder / f"data/{name}.jpg", np.full((51, 64), 90, np.uint8))
        save_json(folder / "coco.json", DOCUMENT)
    # RGB splits, which lie beside, are none.
    save_json(tmp_path / "FLIR_ADAS_v2/images_rgb_train/coco.json", DOCUMENT)
    return tmp_path


@pytest.mark.parametrize("inner", ["", "FLIR_ADAS_v2"])
def test_the_published_layout(root: Path, inner: str) -> None:
    source = built("data/flir_v2", root=root / inner)
    assert source.splits() == ("train", "test")
    annotations = source.load("train")
    # Of COCO's 80 names only those that have objects; by name, not by place.
    assert annotations.classes == ("person", "light", "other vehicle")
    assert annotations.category_ids == (1, 10, 79)
    first, _, third = annotations.records
    assert first.path == root / f"FLIR_ADAS_v2/images_thermal_train/analyticsData/{FRAMES[0]}.tiff"
    np.testing.assert_array_equal(first.boxes, [[1, 2, 4, 6], [5, 5, 10, 10]])
    np.testing.assert_array_equal(first.labels, [0, 2])
    assert len(third.boxes) == 0
    sequences = [record.sequence for record in annotations.records]
    assert sequences == ["4FRnNpmSmwktFJKjg", "4FRnNpmSmwktFJKjg", "6tLtjdkv5K5BuhB37"]


def test_previews_and_chosen_classes(root: Path) -> None:
    annotations = FlirV2Source(root, frames="8bit", classes=["airplane", "person"]).load("test")
    assert annotations.classes == ("airplane", "person")
    assert annotations.records[0].path.name == f"{FRAMES[0]}.jpg"


def test_raw_frames_of_8_bits_are_left_out(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = root / "FLIR_ADAS_v2/video_thermal_test/analyticsData"
    save_frame(folder / f"{FRAMES[1]}.tiff", np.full((51, 64), 90, np.uint8))
    source = built("data/flir_v2", root=root)
    with caplog.at_level(logging.WARNING):
        records = source.load("test").records
    assert [record.image_id for record in records] == [0, 2]
    assert any(f"1 of 3 raw frames hold 8 bits and are left out: {FRAMES[1]}" in m for m in caplog.messages)
    assert len(built("data/flir_v2", root=root, frames="8bit").load("test").records) == 3
    for name in FRAMES:
        save_frame(folder / f"{name}.tiff", np.full((51, 64), 90, np.uint8))
    with pytest.raises(
        UserError, match=r"coco\.json: all raw frames hold 8 bits only; use data\.source\.frames=8bit"
    ):
        source.load("test")


def test_the_recording_may_stand_beside_the_name(root: Path) -> None:
    images = [{**image, "file_name": f"data/{FRAMES[0]}.jpg"} for image in DOCUMENT["images"][:1]]
    images[0]["file_name"] = "data/plain.jpg"
    folder = root / "FLIR_ADAS_v2/images_thermal_train"
    save_frame(folder / "data/plain.jpg", np.zeros((51, 64), np.uint8))
    save_json(folder / "coco.json", {**DOCUMENT, "images": images, "annotations": []})
    assert (
        built("data/flir_v2", root=root, frames="8bit").load("train").records[0].sequence
        == "4FRnNpmSmwktFJKjg"
    )


def test_errors_name_the_place(root: Path) -> None:
    with pytest.raises(UserError, match="frames=raw: must be 16bit or 8bit"):
        built("data/flir_v2", root=root, frames="raw")
    with pytest.raises(UserError, match=r"'val'.*images_thermal_val.*splits found: train, test"):
        built("data/flir_v2", root=root).load("val")
    (root / f"FLIR_ADAS_v2/images_thermal_train/analyticsData/{FRAMES[0]}.tiff").unlink()
    with pytest.raises(UserError, match="1 of 3 image files are missing"):
        built("data/flir_v2", root=root).load("train")


@fuzz
@given(document=changed(DOCUMENT))
def test_any_values_in_the_document(root: Path, document: Any) -> None:
    save_json(root / "FLIR_ADAS_v2/images_thermal_train/coco.json", document)
    assert_survives(lambda: built("data/flir_v2", root=root).load("train"))
