import json
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations
from detector.data.writers.coco import coco_document, write_coco, write_coco_references
from detector.data.writers.output import copy, link
from detector.errors import UserError
from detector.evaluation.coco import coco_ground_truth
from detector.structures import IGNORE_LABEL
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.made import annotations, record


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Files of the same name in two folders, and one above them; readers only look whether they exist."""
    root = tmp_path_factory.mktemp("own")
    paths = [root / "b/0.png", root / "a/0.png", root / "1.png"]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number]))
    return paths


def as_read_back(made: Annotations) -> list[list[tuple[list[float], int, bool]]]:
    """Per frame the boxes, labels and whether ignored, a region without class once for every class."""
    frames = []
    for item in made.records:
        rows = []
        for box, label, ignored in zip(item.boxes.tolist(), item.labels, item.ignored, strict=True):
            labels = range(len(made.classes)) if label == IGNORE_LABEL else [label]
            rows += [(box, int(each), bool(ignored)) for each in labels]
        frames.append(rows)
    return frames


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(pictures: list[Path], data: st.DataObject) -> None:
    made = data.draw(annotations(pictures=pictures))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out"
        write_coco({"day 1": made}, output, place=link)
        read = built("data/coco", root=output).load("day 1")
        assert [item.path.read_bytes() for item in read.records] == [b"\0", b"\1", b"\2"]
    assert read.classes == made.classes
    if all(one < other for one, other in pairwise(made.category_ids)):
        assert read.category_ids == made.category_ids
    for one, other in zip(read.records, made.records, strict=True):
        assert (one.image_id, one.width, one.height) == (other.image_id, other.width, other.height)
        assert one.sequence == other.sequence
    # Equal to the last bit: float32 corners survive x, y, width, height in double precision.
    assert as_read_back(read) == as_read_back(made)


def test_the_document_by_hand() -> None:
    made = Annotations(
        ("person", "car"),
        (
            record(Path("x/a.png"), [((1, 2, 4, 8), 1, False), ((0, 0, 5, 5), 0, True)], image_id=7),
            record(Path("x/b.png"), [((2, 2, 3, 6), IGNORE_LABEL, True)], image_id=3, sequence="walk"),
        ),
        (1, 3),
    )
    assert coco_document(made, ["a.png", "sub/b.png"]) == {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
            {"id": 3, "file_name": "sub/b.png", "width": 40, "height": 30, "sequence": "walk"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 6], "area": 18, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 25, "iscrowd": 1},
            {"id": 3, "image_id": 3, "category_id": 1, "bbox": [2, 2, 1, 4], "area": 4, "iscrowd": 1},
            {"id": 4, "image_id": 3, "category_id": 3, "bbox": [2, 2, 1, 4], "area": 4, "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
    }


def test_evaluation_of_a_written_set_is_that_of_the_set(pictures: list[Path], tmp_path: Path) -> None:
    truth = [((1, 1, 9, 9), 1, False), ((3, 3, 20, 20), IGNORE_LABEL, True), ((0, 0, 5, 5), 0, True)]
    made = Annotations(("person", "car"), (record(pictures[0], truth),), (0, 4))
    write_coco({"val": made}, tmp_path / "out", place=link)
    assert coco_ground_truth(built("data/coco", root=tmp_path / "out").load("val")) == coco_ground_truth(made)


def test_classes_in_another_order_than_their_ids_keep_their_labels(
    pictures: list[Path], tmp_path: Path
) -> None:
    made = Annotations(
        ("dog", "person"), (record(pictures[0], [((1, 1, 9, 9), 0, False)]),), category_ids=(18, 1)
    )
    write_coco({"val": made}, tmp_path / "out", place=link)
    read = built("data/coco", root=tmp_path / "out").load("val")
    assert (read.classes, read.category_ids) == (("dog", "person"), (1, 2))
    np.testing.assert_array_equal(read.records[0].labels, [0])


def test_pictures_keep_their_sub_folders_and_bytes(tmp_path: Path) -> None:
    frames = [tmp_path / "set/pictures" / name for name in ("one/0.png", "two/0.png")]
    for number, path in enumerate(frames):
        save_frame(path, np.full((30, 40), 40_000 + number, np.uint16))
    made = Annotations(
        ("person",), tuple(record(path, image_id=key) for key, path in enumerate(frames)), (1,)
    )
    for place in (link, copy):
        output = tmp_path / place.__name__
        write_coco({"train": made}, output, place=place)
        for path, name in zip(frames, ("one/0.png", "two/0.png"), strict=True):
            written = output / "train" / name
            assert written.is_symlink() == (place is link)
            assert written.read_bytes() == path.read_bytes()
        # A folder with links may be moved.
        moved = output.rename(tmp_path / "elsewhere" if place is link else tmp_path / "again")
        assert len(built("data/coco", root=moved).load("train").records) == 2


def test_one_folder_of_pictures_stays_flat_and_a_frame_may_come_twice(
    pictures: list[Path], tmp_path: Path
) -> None:
    made = Annotations(("person",), tuple(record(pictures[0], image_id=key) for key in (1, 2)), (1,))
    write_coco({"train": made}, tmp_path / "out", place=copy)
    images = json.loads((tmp_path / "out/annotations/train.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["0.png", "0.png"]


def test_references_name_the_pictures_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_frame(tmp_path / "set/a.png", np.zeros((30, 40), np.uint8))
    made = Annotations(("person",), (record(Path("set/a.png"), [((1, 1, 9, 9), 0, False)]),), (1,))
    monkeypatch.chdir(tmp_path)
    write_coco_references({"train": made, "val": made}, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == [
        "annotations",
        "train.json",
        "val.json",
    ]
    monkeypatch.chdir("/")
    with pytest.raises(UserError, match=r"a\.png' leads out of .*refused; data\.source\.images=FOLDER"):
        built("data/coco", root=tmp_path / "out").load("val")
    read = built("data/coco", root=tmp_path / "out", images=str(tmp_path / "set")).load("val").records[0]
    assert read.path == tmp_path / "set/a.png"
    np.testing.assert_array_equal(read.boxes, [[1, 1, 9, 9]])
