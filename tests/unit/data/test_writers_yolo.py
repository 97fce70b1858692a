import logging
import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.data.annotations import Annotations
from detector.data.writers.output import link
from detector.data.writers.yolo import write_yolo
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.made import HEIGHT, WIDTH, annotations, record


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Named in the order of their paths, as YOLO's are numbered; one folder is called as YOLO's own."""
    root = tmp_path_factory.mktemp("own")
    paths = [root / name for name in ("a.png", "images/0.png", "walk/0.png")]
    for path in paths:
        save_frame(path, np.zeros((HEIGHT, WIDTH), np.uint16))
    return paths


def test_files_by_hand(pictures: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    truth = [((10, 6, 20, 12), 1, False), ((1, 1, 2, 2), 0, True), ((5, 5, 9, 9), IGNORE_LABEL, True)]
    train = Annotations(
        ("yes", 'a "b": c'),
        (record(pictures[1], truth, sequence="x"), record(pictures[2], image_id=2, sequence="y")),
        (1, 2),
    )
    val = Annotations(train.classes, (record(pictures[0], [((0, 0, 40, 30), 0, False)]),), (1, 2))
    with caplog.at_level(logging.WARNING):
        write_yolo({"train": train, "val": val}, tmp_path / "out", place=link)
    files = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert files == {
        "data.yaml",
        "images/train/images__0.png",
        "images/train/walk__0.png",
        "images/val/a.png",
        "labels/train/images__0.txt",
        "labels/train/walk__0.txt",
        "labels/val/a.txt",
    }
    labels = tmp_path / "out/labels"
    # Centre (15, 9) and sides (10, 6) of 40 x 30.
    assert (labels / "train/images__0.txt").read_text() == "1 0.375 0.3 0.25 0.2\n"
    assert (labels / "train/walk__0.txt").read_text() == ""
    assert (labels / "val/a.txt").read_text() == "0 0.5 0.5 1 1\n"
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text()) == {
        "train": "images/train",
        "val": "images/val",
        "names": {0: "yes", 1: 'a "b": c'},
    }
    assert (tmp_path / "out/images/train/walk__0.png").read_bytes() == pictures[2].read_bytes()
    assert caplog.messages == [
        "YOLO labels have no place for 2 ignored regions and the names of 2 recordings: left out"
    ]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(pictures: list[Path], data: st.DataObject) -> None:
    made = data.draw(annotations(pictures=pictures, least_side=0.01))
    with tempfile.TemporaryDirectory() as folder:
        write_yolo({"train": made}, Path(folder) / "out", place=link)
        read = built("data/yolo", root=Path(folder) / "out").load("train")
    assert read.classes == made.classes
    for one, other in zip(read.records, made.records, strict=True):
        assert (one.width, one.height) == (WIDTH, HEIGHT)
        np.testing.assert_allclose(one.boxes, other.boxes[~other.ignored], atol=1e-5)
        np.testing.assert_array_equal(one.labels, other.labels[~other.ignored])


def test_labels_that_would_overwrite_each_other_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "own" / name for name in ("a.png", "a.tiff")]
    for path in paths:
        save_frame(path, np.zeros((HEIGHT, WIDTH), np.uint8))
    made = Annotations(("person",), tuple(record(path, image_id=key) for key, path in enumerate(paths)), (1,))
    with pytest.raises(UserError, match=r"a\.png and .*a\.tiff would share the label file a\.txt"):
        write_yolo({"train": made}, tmp_path / "out", place=link)
    assert not (tmp_path / "out").exists()
