import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from detector.data.readers.cvat import LIMIT_MIB
from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.hostile import assert_survives, damaged, fuzz
from tests.unit.data.test_voc import write

# Written by datumaro 1.13.12 (its format "cvat"), shortened to what readers look at.
DATUMARO = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id></id><name>train</name><size>2</size><mode>annotation</mode><overlap></overlap>
    <start_frame>0</start_frame><stop_frame>2</stop_frame><frame_filter></frame_filter><z_order>True</z_order>
    <labels><label><name>person</name><attributes></attributes></label>
      <label><name>car</name><attributes></attributes></label></labels></task></meta>
  <image id="0" name="walk/a_1.png" width="40" height="30">
    <box label="car" occluded="0" outside="0" keyframe="0"
      xtl="1.25" ytl="2.00" xbr="20.50" ybr="10.00" z_order="0">
    </box>
    <polygon label="person" occluded="0" outside="0" keyframe="0"
      points="3.00,4.00;39.00,4.00;20.00,29.50" z_order="0">
    </polygon>
    <polyline label="person" occluded="0" outside="0" keyframe="0" points="1.00,1.00;5.00,5.00" z_order="0">
    </polyline>
    <tag label="car">
    </tag>
  </image>
  <image id="1" name="b_1.png" width="40" height="30">
  </image>
</annotations>"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("walk/a_1.png", "b_1.png"):
        save_frame(tmp_path / "train" / name, np.zeros((30, 40), np.uint16))
    write(tmp_path / "train.xml", DATUMARO)
    return tmp_path


def test_what_datumaro_wrote(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = built("data/cvat", root=root, sequence_pattern="^(.*?)_")
    assert source.splits() == ("train",)
    with caplog.at_level(logging.WARNING):
        truth = source.load("train")
    assert truth.classes == ("person", "car")
    first, empty = truth.records
    np.testing.assert_array_equal(first.boxes, [[1.25, 2, 20.5, 10], [3, 4, 39, 29.5]])
    np.testing.assert_array_equal(first.labels, [1, 0])
    assert [record.sequence for record in truth.records] == ["walk/a", "b"]
    assert len(empty.boxes) == 0
    assert "shapes that surround nothing left out: 1 polyline" in caplog.text


def one_image(inside: str) -> str:
    return f'<annotations><image name="b_1.png" width="40" height="30">{inside}</image></annotations>'


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        # A quarter turn about (10, 10) exchanges the sides.
        ('<box label="a" xtl="4" ytl="8" xbr="16" ybr="12" rotation="90"/>', [8, 4, 12, 16]),
        # Eighth of a turn: half the diagonal, 2 sqrt 2, to each side.
        (
            '<box label="a" xtl="8" ytl="8" xbr="12" ybr="12" rotation="45"/>',
            [7.1716, 7.1716, 12.8284, 12.8284],
        ),
        ('<mask label="a" rle="0, 6" left="3" top="5" width="2" height="3"/>', [3, 5, 5, 8]),
        ('<ellipse label="a" cx="20" cy="15" rx="8" ry="3"/>', [12, 12, 28, 18]),
        ('<ellipse label="a" cx="20" cy="15" rx="8" ry="3" rotation="90"/>', [17, 7, 23, 23]),
    ],
)
def test_the_box_around_other_shapes(root: Path, shape: str, box: list[float]) -> None:
    write(root / "train.xml", one_image(shape))
    (record,) = built("data/cvat", root=root).load("train").records
    np.testing.assert_allclose(record.boxes, [box], atol=1e-4)


def test_one_file_with_subsets(root: Path) -> None:
    (root / "train").rename(root / "images")
    write(
        root / "annotations.xml",
        '<annotations><image name="frames/a_1.png" width="40" height="30" subset="Train"/>'
        '<image name="b_1.png" width="40" height="30"/></annotations>'.replace(
            "/></annotations>", '><box label="a" xtl="1" ytl="1" xbr="2" ybr="2"/></image></annotations>'
        ),
    )
    source = built("data/cvat", root=root, annotations="annotations.xml", images="images")
    assert source.splits() == ("Train", "default")
    train = source.load("Train")
    assert [record.path.name for record in train.records] == ["a_1.png"]
    assert train.classes == source.load("default").classes == ("a",)
    with pytest.raises(UserError, match="no picture of the subset 'val'; found Train, default"):
        source.load("val")


VIDEO = """<annotations><meta><task><size>5</size><start_frame>10</start_frame>
<frame_filter>step=2</frame_filter><labels><label><name>cat</name></label></labels></task></meta>
<track id="0" label="cat"><box frame="12" outside="0" xtl="0" ytl="0" xbr="4" ybr="4"/>
<box frame="16" outside="0" xtl="8" ytl="4" xbr="12" ybr="8"/>
<box frame="18" outside="1" xtl="8" ytl="4" xbr="12" ybr="8"/></track></annotations>"""


def test_tracks_run_between_key_frames_over_pictures_in_natural_order(tmp_path: Path) -> None:
    for name in ("f8", "f9", "f10", "f11", "f12"):
        save_frame(tmp_path / "train" / f"{name}.png", np.zeros((30, 40), np.uint8))
    write(tmp_path / "train.xml", VIDEO)
    records = built("data/cvat", root=tmp_path).load("train").records
    assert [record.path.stem for record in records] == ["f8", "f9", "f10", "f11", "f12"]
    # Frames 10, 12, 14, 16, 18: key frames are the second and fourth, the third lies in the middle.
    assert [record.boxes.tolist() for record in records] == [
        [],
        [[0, 0, 4, 4]],
        [[4, 2, 8, 6]],
        [[8, 4, 12, 8]],
        [],
    ]
    (tmp_path / "train/f9.png").unlink()
    with pytest.raises(UserError, match="of a video of 5 frames; found 4 pictures"):
        built("data/cvat", root=tmp_path).load("train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotations>&x;</annotations>', "DOCTYPE"),
        ("<annotation/>", "not CVAT's XML"),
        (one_image('<box label="a" xtl="nan" ytl="1" xbr="2" ybr="2"/>'), "shape 1: xtl must be a number"),
        (one_image('<box label="" xtl="1" ytl="1" xbr="2" ybr="2"/>'), "must be printable text, found ''"),
        (one_image('<polygon label="a" points="1,2;3"/>'), "points must be x,y;x,y"),
        (one_image("").replace("40", "41"), "labelled at 41x30 pixels, but .*b_1.png has 40x30"),
        (one_image("").replace("b_1", "c_1"), "1 of 1 labelled pictures are missing: c_1.png"),
        (one_image("").replace("b_1.png", "../../b_2.png"), "labelled pictures are missing"),
        (one_image("").replace("</annotations>", one_image("")[13:]), "is labelled twice, in .* and in"),
    ],
)
def test_one_line_says_what_is_wrong(root: Path, text: str, message: str) -> None:
    write(root / "train.xml", text)
    with pytest.raises(UserError, match=message):
        built("data/cvat", root=root).load("train")


def test_a_file_too_large_to_parse_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIMIT_MIB == 128
    monkeypatch.setattr("detector.data.readers.cvat.LIMIT_MIB", 0)
    with pytest.raises(UserError, match="more than the 0 MiB"):
        built("data/cvat", root=root).load("train")


@fuzz
@given(data=damaged(DATUMARO) | damaged(VIDEO))
def test_no_damage_leads_elsewhere(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "cvat"
    for name in ("walk/a_1.png", "b_1.png"):
        save_frame(folder / "train" / name, np.zeros((30, 40), np.uint16))
    (folder / "train.xml").write_bytes(data)
    assert_survives(lambda: built("data/cvat", root=folder).load("train"))
