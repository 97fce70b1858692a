from pathlib import Path

import numpy as np
import pytest

from detector.data.auto.roles import role_of_folder, role_of_name
from tests.built import built
from tests.unit.data.auto import folders
from tests.unit.data.builders import save_frame, save_json


def hit_uav(root: Path) -> None:
    for split in ("train", "val"):
        image = {"id": 1, "filename": "a.jpg", "width": 40, "height": 30, "date_captured": "2021-01-01"}
        document = {"images": [image], "annotation": [], "categories": [{"id": 0, "name": "Person"}]}
        save_json(root / f"normal_json/annotations/{split}.json", document)
        save_frame(root / f"normal_json/{split}/a.jpg", np.zeros((30, 40), np.uint8))


def flir_v1(root: Path) -> None:
    for split in ("train", "val"):
        folders.coco(root / f"FLIR_ADAS_1_3/{split}/thermal_annotations.json", ["thermal_8_bit/a.jpeg"])
        save_frame(root / f"FLIR_ADAS_1_3/{split}/thermal_16_bit/a.tiff", np.zeros((30, 40), np.uint16))


def flir_v2(root: Path) -> None:
    for split in ("images_thermal_train", "images_thermal_val", "video_thermal_test"):
        folders.coco(root / split / "coco.json", ["data/video-x-frame-1-y.jpg"])
        save_frame(root / split / "data/video-x-frame-1-y.jpg", np.zeros((30, 40), np.uint8))


def llvip(root: Path) -> None:
    for split in ("train", "test"):
        folders.pictures(root / "LLVIP/infrared" / split, [f"01000{len(split)}.png"])
        folders.pictures(root / "LLVIP/visible" / split, [f"01000{len(split)}.png"])
        folders.voc(root / "LLVIP/Annotations", [f"01000{len(split)}.png"])


@pytest.mark.parametrize(
    ("make", "says", "splits"),
    [
        (hit_uav, "HIT-UAV", ("train", "val")),
        (flir_v1, "FLIR ADAS v1, 16bit frames", ("train", "val")),
        (flir_v2, "FLIR ADAS v2, 8bit frames", ("train", "val", "test")),
        (llvip, "LLVIP", ("train", "test")),
    ],
)
@pytest.mark.parametrize("deeper", [False, True])
def test_published_sets_get_their_own_reader(make, says, splits, deeper, tmp_path, caplog) -> None:
    root = tmp_path / "download" if deeper else tmp_path
    make(root)
    caplog.set_level("INFO", logger="detector.data.auto")
    auto = built("data/auto", root=tmp_path)
    assert auto.splits() == splits
    assert caplog.messages[0].startswith(f"{tmp_path}: taken for {says}; splits: ")
    for split in ("train", "val", "test"):
        assert len(auto.load(split).records) == 1


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(("train", "train"), ("instances_train2017", "train"), ("Training", "train"), ("DEV", "val")),
        *(
            ("valid", "val"),
            ("thermal-validation.v2", "val"),
            ("test", "test"),
            ("images_thermal_test", "test"),
        ),
        *(("trainval", None), ("train_val", None), ("contest", None), ("2024", None)),
    ],
)
def test_names_of_splits(name: str, role: str | None) -> None:
    assert role_of_name(name) == role


@pytest.mark.parametrize(
    ("path", "role"),
    [
        *(("images/train/a.png", "train"), ("Valid/images/a.png", "val"), ("obj_valid_data/a.txt", "val")),
        *(
            ("test/train/a.png", "train"),
            ("train.png", None),
            ("latest/a.png", None),
            ("test_walk/a.png", None),
        ),
    ],
)
def test_folders_of_splits(path: str, role: str | None) -> None:
    assert role_of_folder(path) == role
