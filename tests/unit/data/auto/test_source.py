import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.splits import merge
from detector.errors import UserError
from detector.thermal import io
from tests.built import built
from tests.unit.data.auto import folders
from tests.unit.data.auto.folders import BOX, FLAT, NAMES
from tests.unit.data.builders import save_frame, save_json
from tests.unit.data.test_voc import write


def source(root: Path, **changes: Any) -> Any:
    return built("data/auto", root=root, **changes)


def whole(root: Path, **changes: Any) -> Annotations:
    """All frames of all splits."""
    auto = source(root, **changes)
    return merge({name: auto.load(name) for name in auto.splits()})


def found(truth: Annotations) -> dict[str, list[list[float]]]:
    return {record.path.name: record.boxes.round(4).tolist() for record in truth.records}


EXPECTED = {name: [list(BOX)] for name in NAMES[:-1]} | {NAMES[-1]: []}


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="detector.data.auto")
    return caplog


@pytest.mark.parametrize("kind", FLAT)
@pytest.mark.parametrize("apart", [False, True], ids=["beside", "apart"])
def test_a_flat_folder_of_any_format(
    kind: str, apart: bool, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    folders.pictures(tmp_path / "images" if apart else tmp_path)
    FLAT[kind](tmp_path / "labels" if apart else tmp_path)
    save_frame(tmp_path / "images/.hidden.png", np.zeros((3, 3), np.uint8))
    write(tmp_path / "README.txt", "0 0 0 0 0 of nothing")
    truth = whole(tmp_path)
    assert found(truth) == EXPECTED
    assert truth.classes == ("cat",)
    assert {record.sequence for record in truth.records} == {"walk", "drive", "pond"}
    (line,) = said.messages
    assert line.startswith(f"{tmp_path}: taken for ")
    assert "12 frames of 3 recordings (by the beginnings of names: " in line


@pytest.mark.parametrize("kind", [kind for kind in FLAT if kind not in ("cvat", "label_studio")])
def test_folders_of_splits_by_any_of_their_names(kind: str, tmp_path: Path) -> None:
    parts = {"train": NAMES[:4], "valid": NAMES[4:8], "Test": NAMES[8:]}
    for folder, names in parts.items():
        # As Roboflow has them, or all in the split's folder; the same file names in all splits.
        short = [name.partition("_")[2] for name in names]
        inner = ("images", "labels") if kind == "yolo" else ("", "")
        folders.pictures(tmp_path / folder / inner[0], short)
        target = tmp_path / folder / inner[1]
        if kind == "coco":
            folders.coco(target / "_annotations.coco.json", short)
        elif kind == "csv":
            folders.table(target / "_annotations.csv", short)
        else:
            getattr(folders, kind)(target, short)
    auto = source(tmp_path)
    assert auto.splits() == ("train", "val", "test")
    for name, folder in (("train", "train"), ("val", "valid"), ("validation", "valid"), ("test", "Test")):
        records = auto.load(name).records
        assert {record.path.relative_to(tmp_path).parts[0] for record in records} == {folder}
        assert [len(record.boxes) for record in records] == [1, 1, 1, 0]


def test_a_yolo_split_without_any_object_is_one(tmp_path: Path) -> None:
    for split, names in (("train", NAMES[:6]), ("valid", NAMES[6:])):
        folders.pictures(tmp_path / split / "images", names)
        folders.yolo(tmp_path / split / "labels", names)
    for file in (tmp_path / "valid/labels").iterdir():
        file.write_text("")
    assert [len(record.boxes) for record in source(tmp_path).load("val").records] == [0] * 6


def test_without_class_names_numbers_serve(tmp_path: Path) -> None:
    folders.pictures(tmp_path)
    folders.yolo(tmp_path)
    write(tmp_path / "walk_0002.txt", "2 0.3 0.35 0.4 0.3\n")
    assert whole(tmp_path).classes == ("class_0", "class_1", "class_2")


def test_coco_places_of_pictures(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    for year in ("train2017", "val2017"):
        short = [f"{number}.png" for number in range(6)]
        folders.pictures(tmp_path / "images" / year, short)
        folders.coco(tmp_path / f"annotations/instances_{year}.json", short)
    auto = source(tmp_path)
    assert auto.splits() == ("train", "val")
    paths = {name: {record.path.parent.name for record in auto.load(name).records} for name in auto.splits()}
    assert paths == {"train": {"train2017"}, "val": {"val2017"}}
    # There is no test split: val stands in, and that is said once.
    assert auto.load("test") is auto.load("val")
    assert [
        message for message in said.messages if "no test split, so val stands in" in message
    ] == said.messages


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    save_frame(tmp_path / "secret.png", np.zeros((30, 40), np.uint16))
    folders.pictures(tmp_path / "set")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        folders.coco(tmp_path / "set/all.json", [*NAMES, name])
        with pytest.raises(UserError, match=r"1 of 13 pictures are missing: .*secret.png"):
            source(tmp_path / "set").load("train")


def test_a_set_that_names_pictures_elsewhere_says_what_to_give(tmp_path: Path) -> None:
    """What the split command writes."""
    folders.pictures(tmp_path / "pictures")
    for name in ("train", "val"):
        folders.coco(
            tmp_path / f"set/annotations/{name}.json", [str(tmp_path / "pictures" / n) for n in NAMES]
        )
    with pytest.raises(UserError, match=r"give data=coco data\.source\.images=FOLDER"):
        source(tmp_path / "set").load("val")


def test_several_formats_and_none(tmp_path: Path) -> None:
    folders.pictures(tmp_path)
    with pytest.raises(
        UserError, match=r"no labels of any known format among 12 pictures; known are coco, csv"
    ):
        source(tmp_path).load("train")
    folders.voc(tmp_path)
    folders.coco(tmp_path / "all.json")
    message = r"has labels of several formats, coco \(all.json\), voc \(drive_0000.xml and 11 more\)"
    with pytest.raises(UserError, match=message):
        source(tmp_path).load("train")
    assert found(whole(tmp_path, layout="voc")) == found(whole(tmp_path, layout="coco")) == EXPECTED
    with pytest.raises(UserError, match="layout=pdf: must be one of coco, csv"):
        source(tmp_path, layout="pdf")
    with pytest.raises(UserError, match="no such folder or zip file"):
        source(tmp_path / "nowhere").load("train")


def test_splits_of_names_that_say_nothing(tmp_path: Path) -> None:
    for name in ("day", "night"):
        folders.pictures(tmp_path / name)
        folders.coco(tmp_path / f"{name}.json")
    auto = source(tmp_path)
    assert auto.splits() == ("day", "night")
    assert len(auto.load("night").records) == 12
    with pytest.raises(UserError, match=r"no such split; splits found: day, night; .* data.train=NAME"):
        auto.load("train")


def test_a_split_is_the_same_in_every_reading_and_changes_with_the_files(tmp_path: Path) -> None:
    folders.pictures(tmp_path)
    folders.coco(tmp_path / "all.json")
    first = source(tmp_path)
    assert first.load("train") is source(tmp_path).load("train")  # read once
    before = {name: found(first.load(name)) for name in first.splits()}
    document = json.loads((tmp_path / "all.json").read_text())
    document["images"].reverse()
    document["categories"][0]["name"] = "dog"
    save_json(tmp_path / "all.json", document)
    assert {name: found(source(tmp_path).load(name)) for name in first.splits()} == before
    assert source(tmp_path).load("val").classes == ("dog",)


def test_classes_and_recordings_may_be_told(tmp_path: Path) -> None:
    folders.pictures(tmp_path)
    folders.coco(tmp_path / "all.json")
    truth = whole(tmp_path, sequence_pattern="_(.*)[.]")
    assert {record.sequence for record in truth.records} == {"0000", "0001", "0002", "0003"}
    with pytest.raises(UserError, match="unknown class 'dog'; available: cat"):
        source(tmp_path, classes=["dog"]).load("train")


class TestManifest:
    """frames.json: labels of previews are read with counts."""

    @pytest.mark.parametrize("kind", FLAT)
    @pytest.mark.parametrize("where", ["", "labels", "labels/export/deep"])
    def test_labels_of_any_format_anywhere(self, kind: str, where: str, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        FLAT[kind](tmp_path / where)
        truth = whole(tmp_path)
        assert found(truth) == EXPECTED
        assert {record.path.parent.name for record in truth.records} == {"counts"}
        assert {record.sequence for record in truth.records} == {"walk", "drive", "pond"}
        assert io.read(truth.records[0].path).bit_depth == 16

    @pytest.mark.parametrize("kind", FLAT)
    def test_a_frame_not_labelled_yet_does_not_count(self, kind: str, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        labelled = NAMES[1::2]
        writer = {"csv": folders.table}.get(kind) or getattr(folders, kind)
        files = {"coco": "a.json", "csv": "a.csv", "cvat": "a.xml", "label_studio": "a.json"}
        writer(tmp_path / "labels" / files.get(kind, ""), labelled)
        truth = found(whole(tmp_path))
        assert truth.keys() == set(labelled)
        assert truth[labelled[-1]] == []

    def test_the_tool_s_zip_is_enough(self, tmp_path: Path) -> None:
        folders.manifest(tmp_path / "set")
        folders.cvat(tmp_path / "annotations.xml")
        with zipfile.ZipFile(tmp_path / "set/cvat export.zip", "w") as archive:
            archive.write(tmp_path / "annotations.xml", "annotations.xml")
        assert found(whole(tmp_path / "set")) == EXPECTED

    def test_coco_exports_of_several_jobs_share_their_file_names(self, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        for job, names in (("one", NAMES[:6]), ("two", NAMES[6:])):
            folders.coco(tmp_path / job / "annotations/instances_default.json", names)
        assert found(whole(tmp_path)).keys() == set(NAMES)

    def test_exports_of_several_jobs_are_one_set(self, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        folders.cvat(tmp_path / "labels/walk.xml", NAMES[:6])
        folders.cvat(tmp_path / "labels/rest.xml", NAMES[6:])
        assert found(whole(tmp_path)).keys() == set(NAMES)
        folders.cvat(tmp_path / "labels/rest.xml", NAMES[5:])
        with pytest.raises(UserError, match=r"is labelled twice, in .*rest.xml.* and in .*walk.xml"):
            source(tmp_path).load("train")

    def test_altered_copies_and_other_sizes_are_refused(self, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        copies = [f"walk_0000_png.rf.{letter * 32}.jpg" for letter in "ab"]
        folders.coco(tmp_path / "labels/all.json", copies)
        with pytest.raises(UserError, match=r"2 of its pictures are walk_0000.png: export each frame once"):
            source(tmp_path).load("train")
        folders.coco(tmp_path / "labels/all.json", copies[:1], width=640)
        with pytest.raises(UserError, match=r"was labelled at 640x30 pixels, but .* has 40x30"):
            source(tmp_path).load("train")

    def test_without_labels_it_says_what_to_do(self, tmp_path: Path) -> None:
        folders.manifest(tmp_path)
        with pytest.raises(
            UserError, match=r"no labels .* for the 12 frames of frames.json: label them and put"
        ):
            source(tmp_path).load("train")

    @pytest.mark.parametrize(
        ("frames", "message"),
        [
            ([{"name": "a.png", "counts": "../a.png", "recording": "a"}], "are no file in this folder"),
            ([{"name": "a.png", "counts": "/etc/passwd", "recording": "a"}], "are no file in this folder"),
            ([{"name": "a.png", "counts": 3, "recording": "a"}], "frame 1: counts must be text, found 3"),
            ([{"name": "a.png", "counts": "a.png", "recording": "a"}] * 2, "'a.png' is listed twice"),
            ([], "'frames' must be a list of objects"),
        ],
    )
    def test_a_manifest_that_cannot_be(self, frames: Any, message: str, tmp_path: Path) -> None:
        folders.pictures(tmp_path, ["a.png"])
        save_json(tmp_path / "frames.json", {"format": 1, "frames": frames})
        with pytest.raises(UserError, match=message):
            source(tmp_path).load("train")
        save_json(tmp_path / "frames.json", {"format": 2, "frames": frames})
        with pytest.raises(UserError, match="format 2; this program reads format 1"):
            source(tmp_path).load("train")
