"""The doctor's page shows what was found, with the frames it speaks of."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from detector.doctor.set_looks import look_at
from detector.report.doctor.page import doctor_page
from detector.report.doctor.side_by_side import side_by_side
from detector.report.kit.frames import frame_picture
from detector.report.kit.page import Notice, Page, Pair, Row, Section, Table, render
from tests.unit.data.builders import save_frame
from tests.unit.doctor.builders import BOXES, Splits, changed, clean_set, examined, record_of, scene
from tests.unit.report.kit.test_page import Reader


@pytest.fixture
def splits(tmp_path) -> Splits:
    return clean_set(tmp_path)


def section(page: Page, title: str) -> Section:
    return next(section for section in page.sections if section.title == title)


def test_the_verdict_and_every_finding_are_there(splits):
    examination = examined(splits)
    page = doctor_page(examination, name="set", root="there")
    notice, table = section(page, "Verdict").blocks
    assert notice == Notice("good", examination.verdict)
    assert isinstance(table, Table)
    assert table.header == ("split", "frames", "recordings", "without object", "person", "car")
    assert table.rows == (("train", "32", "1", "0", "32", "64"), ("val", "6", "1", "0", "6", "12"))
    texts = [block.text for block in section(page, "Findings").blocks if isinstance(block, Notice)]
    assert texts == [finding.message for finding in examination.findings]


def test_near_copies_stand_in_pairs(splits):
    for number in (0, 1):
        save_frame(splits["val"].records[number].path, scene(number))
    page = doctor_page(examined(splits), name="set", root="there")
    notice, row, *_ = section(page, "Findings").blocks
    assert isinstance(notice, Notice)
    assert (notice.level, notice.title) == ("error", "leak")
    assert isinstance(row, Row)
    assert all(isinstance(pair, Pair) for pair in row.figures)
    captions = [tuple(picture.caption for picture in pair.pictures) for pair in row.figures]
    assert captions == [(f"val: val_00{k}.png", f"train: train_00{k}.png, 1.00 alike") for k in (0, 1)]


def test_an_unreadable_frame_has_no_picture_and_hostile_names_do_no_harm(splits, tmp_path):
    hostile = "'\"><script>alert(1)<!--"
    path = tmp_path / "train" / f"{hostile}.png"
    path.write_bytes(b"no picture")
    records = (record_of(path), *splits["train"].records)
    names = (f"{hostile}a", f"{hostile}b")
    splits = {split: replace(truth, classes=names) for split, truth in splits.items()}
    page = doctor_page(examined(changed(splits, "train", records=records)), name=hostile, root=hostile)
    reader = Reader(render(page))
    assert reader.of("script") == []
    assert any(hostile in text for text in reader.texts)
    assert frame_picture(records[0], caption="") is None


def test_sets_side_by_side(splits):
    sets = [
        look_at("one", splits["train"].records, frames=5, samples=3),
        look_at("other", splits["val"].records, frames=50, samples=3),
    ]
    assert [len(one.looks.slopes) for one in sets] == [5, 6]
    assert [record.path.name for record in sets[1].samples] == ["val_000.png", "val_002.png", "val_005.png"]
    np.testing.assert_allclose(sets[1].boxes.sides, np.tile(np.sqrt((140, 140, 140)), 6), rtol=1e-6)
    rows, others, table, figures = side_by_side(sets).blocks
    assert isinstance(table, Table)
    assert table.header == ("", "one", "other")
    assert table.rows[0] == ("frames", "5", "6")
    assert {len(block.figures) for block in (rows, others)} == {3}
    assert all("one" in drawing.markup and "other" in drawing.markup for drawing in figures.figures)


def test_boxes_are_drawn_where_they_are(tmp_path):
    """A flat frame of 64 pixels becomes ten times as large; truth is orange, a mark is red."""
    save_frame(tmp_path / "a.png", np.zeros((32, 64), np.uint16))
    record = replace(record_of(tmp_path / "a.png", boxes=BOXES[:1]), width=64, height=32)
    picture = frame_picture(record, caption="", marked=np.array([(30.0, 10, 50, 20)]))
    assert picture is not None
    shown = cv2.imdecode(np.frombuffer(picture.encoded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert shown.shape == (320, 640, 3)
    coloured = np.argwhere(shown[..., 0] - shown[..., 2] > 60)
    assert np.abs(coloured.min(axis=0) - (100, 80)).max() <= 2
    assert np.abs(coloured.max(axis=0) - (240, 500)).max() <= 2
