import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.data.readers.csv_rows import is_table
from detector.data.readers.csv_table import CsvSource, labelled_rows
from detector.data.readers.csv_vgg import read_attributes, read_shape
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
        (PLAIN + "frames/a.png,1,2,3,,ape\n", "line 4: y2 must be a number, found ''"),
        (PLAIN + "frames/a.png,1,2,3,4,\n", "line 4: a class name must be printable text"),
        (PLAIN + "frames/a.png,,,,,ape\n", "line 4: x1 must be a number"),
        (PLAIN + "frames/a.png,inf,2,3,4,ape\n", "line 4: x1 must be a number, found 'inf'"),
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


VGG = "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
RECT = '"{""name"":""rect"",""x"":1.5,""y"":2,""width"":4.5,""height"":7.25}"'
FORMS = {
    "semicolons": "filename;width;height;class;xmin;ymin;xmax;ymax\nframes/a.png;40;20;ape;1,5;2;6;9,25\n",
    "told to Excel": "sep=;\r\nfilename;cls;xmin;ymin;xmax;ymax\r\nframes/a.png;ape;1,5;2;6;9,25\r\n",
    "tabs": "image\tlabel\tleft\ttop\tright\tbottom\nframes/a.png\tape\t1.5\t2\t6\t9.25\n",
    "corner and size": "filename,x,y,w,h,label\nframes/a.png,1.5,2,4.5,7.25,ape\n",
    "long names": "Image_Name,BBox X,BBox-Y,bbox_width,bbox_height,Class\nframes/a.png,1.5,2,4.5,7.25,ape\n",
    "left and width": "file,left,top,width,height,category\nframes/a.png,1.5,2,4.5,7.25,ape\n",
    "centre and size": "image,x_center,y_center,width,height,label\nframes/a.png,3.75,5.625,4.5,7.25,ape\n",
    "shares": "image,label,xmin,ymin,xmax,ymax\nframes/a.png,ape,0.0375,0.1,0.15,0.4625\n",
    "without header": "frames/a.png;1,5;2;6;9,25;ape\n",
    "names from Windows": "path,x1,y1,x2,y2,class\nFrames\\A,1.5,2,6,9.25,ape\n",
    "VGG's annotator": f'{VGG}\nframes/a.png,12,"{{}}",1,0,{RECT},"{{""type"":""ape""}}"\n',
}


@fuzz
@given(data=st.sampled_from(list(FORMS.values())).flatmap(damaged))
def test_any_damage_to_tables_of_other_forms(root: Path, data: Any) -> None:
    (root / "train.csv").write_bytes(data)
    assert_survives(lambda: built("data/csv", root=root, annotations="{split}.csv").load("train"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_gives_the_same_box(form: str, encoding: str, root: Path) -> None:
    (root / "train.csv").write_bytes(FORMS[form].encode(encoding))
    (root / "val.csv").unlink()
    (record,) = built("data/csv", root=root).load("train").records
    assert record.path.samefile(root / "frames/a.png")
    np.testing.assert_allclose(record.boxes, [[1.5, 2, 6, 9.25]], rtol=1e-6)
    ((split, found),) = labelled_rows(root / "train.csv")
    assert (split, found.shapes[0].label, found.shares) == ("", "ape", form == "shares")
    assert is_table(FORMS[form].splitlines()[0])


def test_names_in_latin_1_come_out_right(root: Path) -> None:
    (root / "train.csv").write_bytes("frames/a.png;1;2;3;4;Fußgänger\n".encode("cp1252"))
    assert "Fußgänger" in built("data/csv", root=root).load("train").classes


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ({"name": "circle", "cx": 10, "cy": 8, "r": 2}, [8, 6, 12, 10]),
        ({"name": "ellipse", "cx": 10, "cy": 8, "rx": 3, "ry": 2}, [7, 6, 13, 10]),
        ({"name": "polygon", "all_points_x": [3, 9, 5], "all_points_y": [4, 6, 11]}, [3, 4, 9, 11]),
    ],
)
def test_regions_of_vgg_have_the_box_around_them(shape: dict[str, object], box: list[float]) -> None:
    assert read_shape(json.dumps(shape), "here") == tuple(box)
    assert read_shape("{}", "here") is None


@pytest.mark.parametrize(
    "cell", ["{", "[]", '{"name": "rect", "x": 1}', '{"name": "point", "cx": 1, "cy": 2}']
)
def test_other_regions_are_refused(cell: str) -> None:
    with pytest.raises(UserError, match="here: "):
        read_shape(cell, "here")


def test_the_class_of_several_attributes_is_the_one_called_so() -> None:
    assert read_attributes('{"class": "ape", "quality": "good"}', "here") == "ape"
    assert read_attributes('{"animal": {"ape": true, "fox": false}}', "here") == "ape"
    with pytest.raises(UserError, match=r"which attribute is the class.*'animal, quality'"):
        read_attributes('{"animal": "ape", "quality": "good"}', "here")


def test_a_folder_in_the_place_of_a_table_is_named(root: Path) -> None:
    (root / "all.csv").unlink()
    (root / "val.csv").unlink()
    (root / "val.csv").mkdir()
    with pytest.raises((UserError, OSError), match=r"val\.csv"):
        built("data/csv", root=root).load("val")


def test_no_path_leads_out_of_the_set(root: Path) -> None:
    save_frame(root.parent / "secret.png", np.zeros((20, 40), np.uint16))
    write(root / "train.csv", "../secret.png,1,2,3,4,ape\n")
    with pytest.raises(UserError, match=r"line 1: '\.\./secret\.png' leads out of .*: refused"):
        built("data/csv", root=root).load("train")
