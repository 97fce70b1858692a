import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.yolo import read_names
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.hostile import assert_survives, damaged, fuzz
from tests.unit.data.test_voc import write

LABELS = "0 0.5 0.5 0.25 0.5\n\n1.0 0.9 0.9 0.4 0.4\n1 0.1 0.2 0.3 0.2 0.2 0.6\n"
NAMES = "path: .\ntrain: images/train\nnc: 2\nnames: [person, no]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "walk/c.png"):
        save_frame(tmp_path / "images/train" / name, np.zeros((20, 40), np.uint16))
    write(tmp_path / "labels/train/a.txt", LABELS)
    write(tmp_path / "labels/train/b.txt", "")
    write(tmp_path / "data.yaml", NAMES)
    return tmp_path


def test_boxes_and_outlines_become_pixels(root: Path) -> None:
    source = built("data/yolo", root=root)
    assert source.splits() == ("train",)
    annotations = source.load("train")
    # A name is a text even where YAML would read a truth value.
    assert annotations.classes == ("person", "no")
    assert annotations.category_ids == (0, 1)
    first = annotations.records[0]
    # The second box reaches out of the frame; the third is the box around a triangle.
    expected = [[15, 5, 25, 15], [28, 14, 40, 20], [4, 4, 12, 12]]
    np.testing.assert_allclose(first.boxes, expected, atol=1e-5)
    np.testing.assert_array_equal(first.labels, [0, 1, 1])
    assert (first.width, first.height) == (40, 20)
    # An empty label file and none both mean a picture without objects.
    assert [len(record.boxes) for record in annotations.records] == [3, 0, 0]
    assert [record.image_id for record in annotations.records] == [1, 2, 3]


def test_other_layouts(root: Path) -> None:
    save_frame(root / "valid/images/walk_1.jpg", np.zeros((20, 40), np.uint8))
    write(root / "valid/labels/walk_1.txt", LABELS)
    write(root / "classes.txt", "person\ncar\n\n")
    source = built(
        "data/yolo",
        root=root,
        images="{split}/images",
        labels="{split}/labels",
        names="classes.txt",
        sequence_pattern="(.+)_",
    )
    assert source.splits() == ("valid",)
    annotations = source.load("valid")
    assert annotations.classes == ("person", "car")
    assert annotations.records[0].sequence == "walk"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: {0: person, 2: car}", {0: "person", 2: "car"}),
        ("names:\n  - person\n  - 7", {0: "person", 1: "7"}),
    ],
)
def test_names_are_a_list_or_by_number(tmp_path: Path, text: str, names: dict[int, str]) -> None:
    write(tmp_path / "data.yaml", text)
    assert read_names(tmp_path / "data.yaml") == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [a", "not a readable YAML"),
        ("[1, 2]", "needs 'names'"),
        ("names: person", "needs 'names', a list or numbers with names; found 'person'"),
        ("names: {x: person}", "'x' is no number of a class"),
        ("names: {0: person, 0.0: car}", "is given twice"),
        ("names: [[a]]", r"names: 0: a class name must be printable text, found \['a'\]"),
        ("names: ['']", "a class name must be printable"),
        ('names: ["\\U99999999"]', "not a readable YAML"),
        ("names: !!python/object/apply:os.getcwd []", "no class to learn"),
        ("names: " + "[" * 500, "not a readable YAML"),
        ("names: [a]\nkpt_shape: [17, 3]", "keypoints"),
    ],
)
def test_malformed_names_are_refused(root: Path, text: str, message: str) -> None:
    write(root / "data.yaml", text)
    write(root / "labels/train/a.txt", "")
    with pytest.raises(UserError, match=message) as caught:
        built("data/yolo", root=root).load("train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.25", "4 values; a box has 5"),
        ("0 0.5 0.5 0.25 0.5 0.9", "6 values; a box has 5"),
        ("2 0.5 0.5 0.25 0.5", "unknown class '2'; names has 0, 1"),
        ("-1 0.5 0.5 0.25 0.5", "unknown class '-1'"),
        ("0.5 0.5 0.5 0.25 0.5", "unknown class '0.5'"),
        ("0 20 10 8 6", "'20' is no share of the picture's side"),
        ("0 0.5 0.5 nan 0.5", "'nan' is no share"),
        ("0 0.5 0.5 inf 0.5", "'inf' is no share"),
        ("0 0.5 0.5 x 0.5", "'x' is no share"),
    ],
)
def test_malformed_lines_are_named(root: Path, line: str, message: str) -> None:
    write(root / "labels/train/a.txt", LABELS + line)
    with pytest.raises(UserError, match=rf"labels/train/a\.txt: line 5: {message}"):
        built("data/yolo", root=root).load("train")


def test_boxes_without_area_are_dropped_with_their_line(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(root / "labels/train/a.txt", "0 0.5 0.5 0 0.5\n0 0.5 0.5 0.5 0.5\n0 1.5 0.5 0.5 0.5\n")
    with caplog.at_level(logging.WARNING):
        record = built("data/yolo", root=root).load("train").records[0]
    np.testing.assert_allclose(record.boxes, [[10, 5, 30, 15]])
    assert "2 boxes without area in the frame dropped: a.txt line 1, a.txt line 3" in caplog.text


def test_labels_that_belong_to_nothing(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(root / "labels/train/gone.txt", "")
    write(root / "labels/train/classes.txt", "person")
    with caplog.at_level(logging.WARNING):
        built("data/yolo", root=root).load("train")
    assert caplog.messages == [f"{root}/labels/train: 1 label files belong to no picture: gone"]
    with pytest.raises(UserError, match=r"none of its 3 pictures has a label file under .*annotations"):
        built("data/yolo", root=root, labels="annotations/{split}").load("train")


def test_what_is_missing_or_cut_is_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"'val'.*splits found: train"):
        built("data/yolo", root=root).load("val")
    with pytest.raises(UserError, match=r"obj\.names: no such"):
        built("data/yolo", root=root, names="obj.names").load("train")
    (root / "labels/train/a.txt").write_bytes(b"\x81\0")
    with pytest.raises(UserError, match=r"a\.txt: not a text"):
        built("data/yolo", root=root).load("train")
    (root / "images/train/a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(UserError, match=r"a\.png: the picture is damaged or cut short"):
        built("data/yolo", root=root).load("train")
    (root / "images/empty").mkdir()
    with pytest.raises(UserError, match="images/empty: the split is empty"):
        built("data/yolo", root=root).load("empty")


@fuzz
@given(data=damaged(LABELS))
def test_any_damage_to_labels(root: Path, data: Any) -> None:
    (root / "labels/train/a.txt").write_bytes(data)
    assert_survives(lambda: built("data/yolo", root=root).load("train"))


@fuzz
@given(data=damaged(NAMES))
def test_any_damage_to_names(root: Path, data: Any) -> None:
    (root / "data.yaml").write_bytes(data)
    assert_survives(lambda: built("data/yolo", root=root).load("train"))
