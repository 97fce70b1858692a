"""What is written: layout, the same bytes every time, nothing half-written."""

import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.synth import dataset as module
from detector.synth.above import AboveParams
from detector.synth.dataset import DatasetParams, generate
from detector.synth.scene import CLASSES, SceneParams
from detector.synth.sensor import SensorParams
from tests.built import read

FEW = DatasetParams(train=3, val=1, test=2, frames_per_scene=2)
SCENE = read(SceneParams, "synth:scene", width=64, height=48, fine=2, objects=(2, 5), clutter=(0, 2))
BELOW = read(AboveParams, "synth:above", width=96, height=64, groups=(3, 6), clutter=(0, 3), houses=(0, 1))
SENSOR = read(SensorParams, "synth:sensor")


def make(root, *, dataset=FEW, place=SCENE, seed=0, processes=1, sensor=SENSOR):
    return generate(
        root,
        dataset=dataset,
        place=place,
        sensor=sensor,
        seed=seed,
        processes=processes,
    )


def contents(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("synth") / "set"
    assert make(path)
    return path


def test_the_layout_is_coco_s(root):
    for split, frames in FEW.splits.items():
        coco = json.loads((root / "annotations" / f"{split}.json").read_text())
        assert [category["name"] for category in coco["categories"]] == list(CLASSES)
        assert [category["id"] for category in coco["categories"]] == [1, 2, 3]
        assert [image["id"] for image in coco["images"]] == list(range(1, frames + 1))
        assert {image["file_name"] for image in coco["images"]} == {
            path.name for path in (root / split).iterdir()
        }
        ids = {image["id"] for image in coco["images"]}
        for truth in coco["annotations"]:
            x, y, w, h = truth["bbox"]
            assert truth["image_id"] in ids
            assert x >= 0
            assert y >= 0
            assert w > 0
            assert h > 0
            assert x + w <= SCENE.width
            assert y + h <= SCENE.height
            assert truth["area"] == w * h
            assert truth["iscrowd"] == 0
            assert truth["category_id"] in (1, 2, 3)
            assert truth["visible"] >= SCENE.min_visible


def test_frames_are_16_bit_centikelvin_of_the_promised_size(root):
    for path in root.rglob("*.png"):
        counts = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert counts.dtype == np.uint16
        assert counts.shape == (SCENE.height, SCENE.width)
        assert 22000 < counts.min() < counts.max() < 36000


def test_a_scene_s_frames_share_a_sequence_and_a_place(root):
    images = json.loads((root / "annotations" / "train.json").read_text())["images"]
    assert [image["sequence"] for image in images] == ["train-0000", "train-0000", "train-0001"]
    first, second, other = (
        cv2.imread(str(root / "train" / image["file_name"]), cv2.IMREAD_UNCHANGED).astype(float)
        for image in images
    )
    assert np.median(np.abs(first - second)) < np.median(np.abs(first - other))


def test_no_sequence_is_in_two_splits(root):
    names = [
        {image["sequence"] for image in json.loads(path.read_text())["images"]}
        for path in sorted((root / "annotations").iterdir())
    ]
    assert len(set.union(*names)) == sum(map(len, names)) == 4


def test_scenes_of_different_splits_differ(root):
    train, val, test = (
        cv2.imread(str(root / split / "0000_00.png"), cv2.IMREAD_UNCHANGED)
        for split in ("train", "val", "test")
    )
    assert not np.array_equal(train, val)
    assert not np.array_equal(train, test)
    assert not np.array_equal(val, test)


def test_the_same_parameters_give_the_same_bytes(root, tmp_path):
    again = tmp_path / "again"
    assert make(again)
    assert contents(again) == contents(root)


def test_two_processes_give_the_same_bytes_as_one(root, tmp_path):
    make(tmp_path / "again", processes=2)
    assert contents(tmp_path / "again") == contents(root)


def test_another_seed_gives_other_frames(root, tmp_path):
    make(tmp_path / "other", seed=1)
    ours, theirs = contents(root), contents(tmp_path / "other")
    assert ours.keys() == theirs.keys()
    assert all(ours[name] != theirs[name] for name in ours if name.endswith(".png"))


def test_a_whole_set_is_used_again_untouched(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert make(root) is False
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize("change", [{"seed": 5}, {"place": replace(SCENE, overlap=0.9)}])
def test_a_set_of_other_parameters_is_replaced(tmp_path, change):
    root = tmp_path / "set"
    make(root)
    (root / "train" / "left_over.png").write_bytes(b"")
    assert make(root, **change) is True
    assert not (root / "train" / "left_over.png").exists()
    assert make(root, **change) is False


def test_frames_from_above_have_their_classes_and_eight_bits_where_asked(tmp_path):
    root = tmp_path / "set"
    assert make(root, place=BELOW, sensor=replace(SENSOR, bits=8))
    coco = json.loads((root / "annotations" / "train.json").read_text())
    assert [category["name"] for category in coco["categories"]] == [
        "person",
        "vehicle",
        "bicycle",
        "truck",
    ]
    assert len(coco["annotations"]) > 0
    picture = cv2.imread(str(root / "train" / coco["images"][0]["file_name"]), cv2.IMREAD_UNCHANGED)
    assert (picture.dtype, picture.shape) == (np.uint8, (64, 96))
    assert make(root) is True  # another view is another set


def test_a_set_with_a_file_missing_is_made_anew(tmp_path):
    root = tmp_path / "set"
    make(root)
    whole = contents(root)
    for lost in ("train/0000_01.png", "annotations/test.json"):
        (root / lost).unlink()
        assert make(root) is True
        assert contents(root) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_set_of_an_older_generator_is_replaced(tmp_path, monkeypatch):
    root = tmp_path / "set"
    make(root)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert make(root) is True


def test_somebody_s_own_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match=r"no synthetic set \(it has no synth.json\)"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/set cannot be written"):
        make(tmp_path / "file" / "set")


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "set").mkdir()
    assert make(tmp_path / "set") is True


def test_a_failure_on_the_way_leaves_nothing_behind_and_the_old_set_whole(tmp_path, monkeypatch):
    root = tmp_path / "set"
    make(root)
    before = contents(root)

    def full_disk(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(module, "_coco", full_disk)
    with pytest.raises(OSError, match="disk full"):
        make(root, seed=7)
    assert contents(root) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dataset.val", {"dataset": replace(FEW, val=0)}),
        ("dataset.frames_per_scene", {"dataset": replace(FEW, frames_per_scene=0)}),
        ("scene.overlap", {"place": replace(SCENE, overlap=1.5)}),
        ("scene.pair_iou", {"place": replace(SCENE, pair_iou=(0.1, 0.6))}),
        ("scene.class_weights", {"place": replace(SCENE, class_weights=(0.5, 0.5, 0.5))}),
        ("scene.objects", {"place": replace(SCENE, objects=(5, 2))}),
        ("scene.side_px", {"place": replace(SCENE, side_px=(5.0, 9.0, 12.0))}),
        ("above.tilt", {"place": replace(BELOW, tilt=(30.0, 95.0))}),
        ("above.metre_px", {"place": replace(BELOW, metre_px=(0.0, 4.0))}),
        ("above.metre_px", {"place": replace(BELOW, metre_px=(4.0, 40.0))}),
        ("above.class_weights", {"place": replace(BELOW, class_weights=(0.5, 0.5, 0.5, 0.5))}),
        ("sensor.bits", {"sensor": replace(SENSOR, bits=12)}),
        ("seed", {"seed": -1}),
        ("processes", {"processes": 0}),
    ],
)
def test_impossible_values_are_named_before_anything_is_written(tmp_path, name, change):
    with pytest.raises(UserError, match=f"^{name} is "):
        make(tmp_path / "set", **change)
    assert list(tmp_path.iterdir()) == []
