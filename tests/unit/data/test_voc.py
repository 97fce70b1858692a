import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.voc import LIMIT_MIB
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.hostile import assert_survives, damaged, fuzz

PERSON = """<object><name>person</name><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>
<part><name>head</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>
</object>"""
CAR = """<object><name> car </name><difficult>1</difficult>
<bndbox><xmin>3</xmin><ymin>5</ymin><xmax>3</xmax><ymax>8.5</ymax></bndbox></object>"""


def xml(
    *objects: str, size: str = "<size><width>40</width><height>30</height><depth>1</depth></size>"
) -> str:
    return f'<?xml version="1.0"?><annotation><filename>x.jpg</filename>{size}{"".join(objects)}</annotation>'


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("walk1_7.tif", "walk1_8.jpg", "walk2_1.jpg"):
        save_frame(tmp_path / "JPEGImages" / name, np.zeros((30, 40), np.uint8))
    write(tmp_path / "Annotations/walk1_7.xml", xml(PERSON, CAR))
    write(tmp_path / "Annotations/walk1_8.xml", xml())
    write(tmp_path / "Annotations/walk2_1.xml", xml(CAR.replace("car", "bus")))
    write(tmp_path / "ImageSets/Main/train.txt", "walk1_8\n\nwalk1_7  \n")
    write(tmp_path / "ImageSets/Main/val.txt", "walk2_1\n")
    write(tmp_path / "ImageSets/Main/car_train.txt", "walk1_7  1\nwalk1_8 -1\n")
    return tmp_path


def test_pixels_are_counted_from_one_and_the_last_is_inside(root: Path) -> None:
    source = built("data/voc", root=root)
    assert source.splits() == ("train", "val")
    annotations = source.load("train")
    # The names of all splits, so that they agree; parts of objects are none.
    assert annotations.classes == source.load("val").classes == ("bus", "car", "person")
    assert annotations.category_ids == (1, 2, 3)
    empty, full = annotations.records
    assert [empty.image_id, full.image_id] == [1, 2]
    assert full.path == root / "JPEGImages/walk1_7.tif"
    assert empty.boxes.shape == (0, 4)
    # 1..40 x 1..30 is the whole picture; 3..3 x 5..8.5 is one pixel wide.
    np.testing.assert_array_equal(full.boxes, [[0, 0, 40, 30], [2, 4, 3, 8.5]])
    np.testing.assert_array_equal(full.labels, [2, 1])
    np.testing.assert_array_equal(full.ignored, [False, True])


def test_edges_are_taken_as_they_stand(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        full = built("data/voc", root=root, coordinates="edges").load("train").records[1]
    np.testing.assert_array_equal(full.boxes, [[1, 1, 40, 30]])
    assert "1 boxes without area in the frame dropped: walk1_7.xml object 2" in caplog.text


def test_folders_may_stand_for_lists(tmp_path: Path) -> None:
    save_frame(tmp_path / "train/sub/a.png", np.zeros((30, 40), np.uint16))
    save_frame(tmp_path / "train/.a.png", np.zeros((30, 40), np.uint16))
    write(tmp_path / "train/sub/a.xml", xml(PERSON))
    source = built(
        "data/voc",
        root=tmp_path,
        lists=None,
        images="{split}",
        annotations="{split}",
        sequence_pattern="(.+)/",
    )
    assert source.splits() == ("train",)
    (record,) = source.load("train").records
    assert (record.path, record.sequence) == (tmp_path / "train/sub/a.png", "sub")
    with pytest.raises(UserError, match=r"data.source.images='JPEGImages': needs '{split}'"):
        built("data/voc", root=tmp_path, lists=None)


def test_the_recording_is_found_in_the_name(root: Path) -> None:
    records = built("data/voc", root=root, sequence_pattern="^(walk[0-9]+)_").load("train").records
    assert {record.sequence for record in records} == {"walk1"}


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width>0</width><height>0</height></size>"])
def test_a_size_that_is_not_told_is_the_picture_s(root: Path, size: str) -> None:
    write(root / "Annotations/walk1_7.xml", xml(PERSON, size=size))
    record = built("data/voc", root=root).load("train").records[1]
    assert (record.width, record.height) == (40, 30)


DOCTYPE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable XML file: no element found"),
        ("<annotation>", "not a readable XML file"),
        (xml("<object><name>a&x;</name></object>"), "not a readable XML file: undefined entity"),
        (
            DOCTYPE + "<annotation><object><name>&x;</name></object></annotation>",
            r"document type \(DOCTYPE\)",
        ),
        (xml("<object/>"), "object 1: a class name must be printable text, found ''"),
        (
            xml(PERSON, CAR.replace("<xmin>3</xmin>", "")),
            "object 2: xmin must be a number, found ''",
        ),
        (xml(CAR.replace("8.5", "nan")), "object 1: ymax must be a number, found 'nan'"),
        (
            xml(CAR.replace("<difficult>1", "<difficult>yes")),
            "object 1: difficult must be 0 or 1, found 'yes'",
        ),
        (
            xml(PERSON, size="<size><width>80</width><height>30</height></size>"),
            "written for a picture of '80x30' pixels, but it has 40x30",
        ),
    ],
)
def test_malformed_files_are_named(root: Path, text: str, message: str) -> None:
    write(root / "Annotations/walk1_7.xml", text)
    with pytest.raises(UserError, match=rf"Annotations/walk1_7\.xml: .*{message}"):
        built("data/voc", root=root).load("train")


def test_a_large_file_is_not_parsed(root: Path) -> None:
    write(root / "Annotations/walk1_7.xml", xml(" " * LIMIT_MIB * 2**20))
    with pytest.raises(UserError, match=r"walk1_7\.xml: .* more than the 8 MiB"):
        built("data/voc", root=root).load("train")


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(UserError, match="coordinates=corners: must be pixels or edges"):
        built("data/voc", root=root, coordinates="corners")
    with pytest.raises(UserError, match=r"'test'.*splits found: train, val"):
        built("data/voc", root=root).load("test")
    (root / "Annotations/walk1_8.xml").unlink()
    with pytest.raises(UserError, match=r"1 of 2 annotation files are missing: .*walk1_8\.xml"):
        built("data/voc", root=root).load("train")
    write(root / "ImageSets/Main/train.txt", "walk1_7\nwalk3\n")
    with pytest.raises(
        UserError, match=r"train\.txt: 1 of 2 image files are missing in .*JPEGImages: 'walk3'"
    ):
        built("data/voc", root=root).load("train")
    write(root / "ImageSets/Main/train.txt", "walk1_7\nwalk1_7\n")
    with pytest.raises(UserError, match=r"train\.txt: 'walk1_7' is listed twice"):
        built("data/voc", root=root).load("train")
    write(root / "ImageSets/Main/train.txt", "\n")
    with pytest.raises(UserError, match=r"train\.txt: the split is empty"):
        built("data/voc", root=root).load("train")
    save_frame(root / "JPEGImages/walk1_7.png", np.zeros((30, 40), np.uint8))
    with pytest.raises(UserError, match=r"walk1_7\.png and walk1_7\.tif differ in their suffix only"):
        built("data/voc", root=root).load("train")


TURNED = """<object><type>robndbox</type><name>car</name>
<robndbox><cx>20</cx><cy>15</cy><w>10</w><h>4</h><angle>0.5</angle></robndbox></object>"""
OUTLINE = "<object><name>car</name><polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>2</y2></polygon></object>"


@fuzz
@given(data=damaged(xml(PERSON, CAR)) | damaged(xml(TURNED, OUTLINE)))
def test_any_damage_to_an_annotation(root: Path, data: bytes) -> None:
    (root / "Annotations/walk1_7.xml").write_bytes(data)
    assert_survives(lambda: built("data/voc", root=root).load("train"))


@fuzz
@given(data=damaged("walk1_8\nwalk1_7\n"))
def test_any_damage_to_a_list(root: Path, data: Any) -> None:
    (root / "ImageSets/Main/train.txt").write_bytes(data)
    assert_survives(lambda: built("data/voc", root=root).load("train"))


def boxes_of(root: Path, objects: str) -> np.ndarray:
    write(root / "Annotations/walk1_7.xml", xml(objects))
    return built("data/voc", root=root).load("train").records[1].boxes


def test_turned_boxes_have_the_box_around_them(root: Path) -> None:
    """10 x 4 about (20, 15), turned by 90 and by 45 degrees."""
    form = (
        "<object><type>robndbox</type><name>car</name><robndbox><cx>20</cx><cy>15</cy><w>10</w><h>4</h>"
        "<angle>{}</angle></robndbox></object>"
    )
    np.testing.assert_allclose(boxes_of(root, form.format(np.pi / 2)), [[18, 10, 22, 20]], rtol=1e-6)
    half = 14 / 2 / np.sqrt(2)
    expected = [[20 - half, 15 - half, 20 + half, 15 + half]]
    np.testing.assert_allclose(boxes_of(root, form.format(np.pi / 4)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "polygon",
    [
        "<x1>3</x1><y1>4</y1><x2>9</x2><y2>6</y2><x3>5</x3><y3>11</y3>",
        "<pt><x>3</x><y>4</y></pt><pt><x>9</x><y>6</y></pt><pt><x>5</x><y>11</y></pt>",
    ],
)
def test_polygons_have_the_box_around_them_unless_there_is_a_box(polygon: str, root: Path) -> None:
    item = f"<object><name>car</name><polygon>{polygon}</polygon>{{}}</object>"
    np.testing.assert_array_equal(boxes_of(root, item.format("")), [[3, 4, 9, 11]])
    box = "<bndbox><xmin>3</xmin><ymin>5</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>"
    np.testing.assert_array_equal(boxes_of(root, item.format(box)), [[2, 4, 8, 9]])


def test_objects_without_a_box_are_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(boxes_of(root, "<object><name>Target</name></object>")) == 0
    assert "1 objects without a box left out: walk1_7.xml object 1" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "walk1_7.tif",
        "walk1_7.jpg",
        "JPEGImages/walk1_7.tif",
        "walk1_7  1",
        "walk1_7.tif -1",
        "d:\\set\\walk1_7",
    ],
)
def test_lists_name_pictures_in_many_ways(line: str, root: Path) -> None:
    write(root / "ImageSets/Main/train.txt", f"{line}\n")
    (record,) = built("data/voc", root=root).load("train").records
    assert record.path == root / "JPEGImages/walk1_7.tif"


def test_a_list_does_not_lead_out_of_the_folder(root: Path) -> None:
    save_frame(root / "secret.jpg", np.zeros((30, 40), np.uint8))
    write(root / "ImageSets/Main/train.txt", "../secret\n")
    with pytest.raises(UserError, match=r"1 of 1 image files are missing in .*JPEGImages"):
        built("data/voc", root=root).load("train")


def test_latin_1_is_read_as_it_was_meant(root: Path) -> None:
    text = xml(PERSON).replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>')
    (root / "Annotations/walk1_7.xml").write_bytes(text.replace("person", "Fußgänger").encode("latin-1"))
    assert "Fußgänger" in built("data/voc", root=root).load("train").classes


def test_only_folders_are_splits_without_lists(root: Path) -> None:
    write(root / "README", "about")
    save_frame(root / "train/a.png", np.zeros((30, 40), np.uint8))
    assert "README" not in built("data/voc", root=root, lists=None, images="{split}").splits()
