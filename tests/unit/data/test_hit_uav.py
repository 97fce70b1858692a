import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.hit_uav import HitUavSource
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from detector.thermal import io
from tests.built import built
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.hostile import assert_survives, changed, fuzz

NAMES = ("Person", "Car", "Bicycle", "OtherVehicle", "DontCare")

REAL = Path(os.environ.get("THERMAL_DATA", "../shared/data")) / "hit_uav_320"
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"{REAL} is not here (THERMAL_DATA names the folder that holds hit_uav_320)"
)


def document(**changes: Any) -> dict[str, Any]:
    image = {"width": 40, "height": 30}
    return {
        "images": [
            {"filename": "0_60_30_0_00001.jpg", "id": 3, "date_captured": "20210115", **image},
            {"filename": "1_90_50_0_00002.jpg", "id": 0, "date_captured": "20210123", **image},
        ],
        "annotation": [
            {"id": 0, "image_id": 3, "category_id": 2, "bbox": [10, 12, 4, 6]},
            {"id": 1, "image_id": 3, "category_id": 4, "bbox": [0, 0, 20, 10]},
            {"id": 2, "image_id": 0, "category_id": 0, "bbox": [5.5, 6, 2, 3]},
        ],
        "categories": [{"id": key, "name": name} for key, name in enumerate(NAMES)],
        **changes,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("0_60_30_0_00001.jpg", "1_90_50_0_00002.jpg"):
        save_frame(tmp_path / "normal_json/train" / name, np.zeros((30, 40), np.uint8))
    save_json(tmp_path / "normal_json/annotations/train.json", document())
    return tmp_path


@pytest.mark.parametrize("inner", ["", "normal_json"])
def test_the_published_layout_and_its_quirks(root: Path, inner: str) -> None:
    annotations = built("data/hit_uav", root=root / inner).load("train")
    assert annotations.classes == NAMES[:4]
    assert annotations.category_ids == (0, 1, 2, 3)
    first, second = annotations.records
    assert (first.image_id, second.image_id) == (3, 0)
    assert first.path == root / "normal_json/train/0_60_30_0_00001.jpg"
    assert (first.sequence, second.sequence) == ("20210115", "20210123")
    # x, y are the top-left corner, not the centre that the published README speaks of.
    np.testing.assert_allclose(first.boxes, [[10, 12, 14, 18], [0, 0, 20, 10]])
    np.testing.assert_array_equal(first.labels, [2, IGNORE_LABEL])
    np.testing.assert_array_equal(first.ignored, [False, True])
    np.testing.assert_allclose(second.boxes, [[5.5, 6, 7.5, 9]])


def test_dont_care_regions_stay_when_classes_are_selected(root: Path) -> None:
    record = built("data/hit_uav", root=root, classes=["Car", "Person"]).load("train").records[0]
    np.testing.assert_array_equal(record.labels, [IGNORE_LABEL])
    np.testing.assert_array_equal(record.ignored, [True])


def test_dont_care_is_no_class(root: Path) -> None:
    with pytest.raises(
        UserError, match="unknown class 'DontCare'; available: Person, Car, Bicycle, OtherVehicle"
    ):
        HitUavSource(root, classes=("DontCare",)).load("train")


def test_splits_and_errors(root: Path) -> None:
    source = built("data/hit_uav", root=root)
    assert source.splits() == ("train",)
    with pytest.raises(UserError, match=r"'val'.*splits found: train"):
        source.load("val")
    with pytest.raises(UserError, match="no such folder"):
        built("data/hit_uav", root=root / "typo").load("train")
    with pytest.raises(UserError, match="wrong layout"):
        built("data/hit_uav", root=root / "normal_json/train").load("train")
    (root / "normal_json/train/1_90_50_0_00002.jpg").unlink()
    with pytest.raises(UserError, match=r"1 of 2 image files are missing.*1_90_50_0_00002\.jpg"):
        source.load("train")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"images": [], "annotation": [], "categories": []}, "the split is empty"),
        ({"images": [], "annotations": []}, "no 'annotation' list"),
        (document(images=None), "'images' must be a list"),
        (document(images=[{"id": 1, "file_name": "a.jpg"}]), "has no 'filename'"),
        (
            document(annotation=[{"id": 8, "image_id": 3, "category_id": 0}]),
            "annotation 8 has neither 'bbox' nor 'segmentation'",
        ),
    ],
)
def test_other_files_are_refused(root: Path, bad: dict[str, Any], message: str) -> None:
    save_json(root / "normal_json/annotations/train.json", bad)
    with pytest.raises(UserError, match=message):
        built("data/hit_uav", root=root).load("train")


@fuzz
@given(bad=changed(document()))
def test_any_values_in_the_document(root: Path, bad: Any) -> None:
    save_json(root / "normal_json/annotations/train.json", bad)
    assert_survives(lambda: built("data/hit_uav", root=root).load("train"))


@needs_real_data
def test_the_real_validation_split() -> None:
    annotations = built("data/hit_uav", root=REAL).load("val")
    labels = np.concatenate([record.labels for record in annotations.records])
    assert len(annotations.records) == 580
    # Person, Car, Bicycle, OtherVehicle; ten DontCare regions.
    np.testing.assert_array_equal(np.bincount(labels[labels >= 0]), [1315, 1960, 514, 61])
    assert (labels == IGNORE_LABEL).sum() == 10
    assert {record.sequence for record in annotations.records} == {"20210116", "20210123"}


@needs_real_data
def test_real_boxes_lie_on_objects() -> None:
    """Objects differ from their surroundings more inside the boxes than in boxes moved by half a box."""

    def contrast(counts: np.ndarray, box: np.ndarray) -> float:
        left, top, right, bottom = box.round().astype(int)
        around = counts[max(top - 4, 0) : bottom + 4, max(left - 4, 0) : right + 4]
        return abs(float(counts[top:bottom, left:right].mean()) - float(np.median(around)))

    at_corner, at_centre = [], []
    for record in built("data/hit_uav", root=REAL).load("val").records[:60]:
        counts = io.read(record.path).counts
        for box in record.boxes[record.labels == 0]:
            half = np.tile((box[2:] - box[:2]) / 2, 2)
            if (box >= half + 1).all():
                at_corner.append(contrast(counts, box))
                at_centre.append(contrast(counts, box - half))
    assert len(at_corner) > 50
    assert np.mean(at_corner) > 1.5 * np.mean(at_centre)
