import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.csv_table import CsvSource
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.hostile import assert_survives, damaged, fuzz
from tests.unit.data.test_voc import write

PLAIN = """frames/b.png,3,4,9,14,person
frames/a.png,,,,,
frames/b.png,30,15,50,18.5,"fox, red"
"""
HEADED = """Subset,Set, FileName ,width,height,Label,XMin,YMin,XMax,YMax,difficult,video
train,a,frames/a.png,40,20,person,1,2,3,4,,walk
val,b,frames/b.png,40,20,car,1,2,3,4,1,ride
train,a,frames/a.png,40,20,person,0,0,40,20,0,walk
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        save_frame(tmp_path / "frames" / name, np.zeros((20, 40), np.uint16))
    write(tmp_path / "train.csv", PLAIN)
    write(tmp_path / "val.csv", "frames/a.png,1,1,2,2,ape\n")
    write(tmp_path / "all.csv", HEADED)
    return tmp_path


def test_rows_without_a_header(root: Path) -> None:
    (root / "all.csv").unlink()
    source = built("data/csv", root=root)
    assert source.splits() == ("train", "val")
    annotations = source.load("train")
    assert annotations.classes == source.load("val").classes == ("ape", "fox, red", "person")
    assert annotations.category_ids == (1, 2, 3)
    first, second = annotations.records
    assert (first.image_id, first.path) == (1, root / "frames/b.png")
    np.testing.assert_array_equal(first.boxes, [[3, 4, 9, 14], [30, 15, 40, 18.5]])
    np.testing.assert_array_equal(first.labels, [2, 1])
    assert (second.width, second.height, len(second.boxes)) == (40, 20, 0)


def test_one_table_with_a_header_for_all_splits(root: Path) -> None:
    source = built("data/csv", root=root, annotations="all.csv")
    assert source.splits() == ("train", "val")
    train, val = source.load("train"), source.load("val")
    assert train.classes == val.classes == ("car", "person")
    np.testing.assert_array_equal(train.records[0].boxes, [[1, 2, 3, 4], [0, 0, 40, 20]])
    assert (train.records[0].sequence, val.records[0].sequence) == ("walk", "ride")
    np.testing.assert_array_equal(train.records[0].ignored, [False, False])
    np.testing.assert_array_equal(val.records[0].ignored, [True])


def test_places_and_recordings_can_be_given(root: Path) -> None:
    write(root / "boxes/train.csv", "a.png,1,1,2,2,ape\n")
    source = CsvSource(
        root, annotations="boxes/{split}.csv", images="frames", sequence_pattern="^(.)", classes=["ape"]
    )
    (record,) = source.load("train").records
    assert (record.path, record.sequence) == (root / "frames/a.png", "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frames/a.png,1,2,3\n", "the first row is neither an object nor a header"),
        (PLAIN + ",1,2,3,4,ape\n", "line 4: no path"),
        (PLAIN + "frames/a.png,1,2,3,,ape\n", "line 4: y2 must be a number of pixels, found ''"),
        (PLAIN + "frames/a.png,1,2,3,4,\n", "line 4: a class name must be printable text"),
        (PLAIN + "frames/a.png,,,,,ape\n", "line 4: x1 must be a number"),
        (PLAIN + "frames/a.png,inf,2,3,4,ape\n", "line 4: x1 must be a number of pixels, found 'inf'"),
        (PLAIN + '"frames/a.png,1,2,3,4,ape\n', "line 4: not a readable row"),
        (
            "image,xmin,ymin,xmax\n",
            r"no column y2 \(or ymax, .*\), class \(or .*\); found 'image, xmin, ymin, xmax'",
        ),
        ("", "the split is empty"),
        (PLAIN + "frames/c.png,1,2,3,4,ape\n", r"1 of 3 image files are missing: .*frames/c\.png"),
        (
            "path,x1,y1,x2,y2,class,ignored\nframes/a.png,1,2,3,4,ape,maybe\n",
            "line 2: ignored must be 0 or 1, found 'maybe'",
        ),
        (
            "path,x1,y1,x2,y2,class,scene\nframes/a.png,1,2,3,4,ape,s\nframes/a.png,1,2,3,4,ape,t\n",
            r"line 3: frames/a\.png is in two sequences",
        ),
    ],
)
def test_malformed_tables_are_named(root: Path, text: str, message: str) -> None:
    write(root / "train.csv", text)
    with pytest.raises(UserError, match=rf"train\.csv: .*{message}|train\.csv: {message}"):
        built("data/csv", root=root, annotations="{split}.csv").load("train")


def test_boxes_without_area_are_dropped_with_their_line(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(root / "train.csv", PLAIN + "frames/a.png,9,9,5,12,ape\n")
    with caplog.at_level(logging.WARNING):
        records = built("data/csv", root=root).load("train").records
    assert len(records[1].boxes) == 0
    assert "1 boxes without area in the frame dropped: line 4" in caplog.text


def test_splits_that_are_not_there_are_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"'test'.*splits found: all, train, val"):
        built("data/csv", root=root).load("test")
    with pytest.raises(UserError, match=r"no row of split 'test'; splits found: train, val"):
        built("data/csv", root=root, annotations="all.csv").load("test")
    with pytest.raises(UserError, match=r"none\.csv does not exist"):
        built("data/csv", root=root, annotations="none.csv").load("train")


@fuzz
@given(data=damaged(PLAIN))
def test_any_damage_to_rows(root: Path, data: Any) -> None:
    (root / "train.csv").write_bytes(data)
    assert_survives(lambda: built("data/csv", root=root, annotations="{split}.csv").load("train"))


@fuzz
@given(data=damaged(HEADED))
def test_any_damage_to_a_headed_table(root: Path, data: Any) -> None:
    (root / "all.csv").write_bytes(data)
    assert_survives(lambda: built("data/csv", root=root, annotations="all.csv").load("train"))
