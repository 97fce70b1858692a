from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.data.test_voc import write

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def annotation(*boxes: tuple[int, int, int, int], name: str = "person") -> str:
    objects = "".join(f"<object><name>{name}</name>{BOX.format(*box)}</object>" for box in boxes)
    return f"<annotation><size><width>40</width><height>32</height></size>{objects}</annotation>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in ("train/010001", "train/010002", "train/250423", "test/190001"):
        for spectrum in ("infrared", "visible"):
            save_frame(tmp_path / "LLVIP" / spectrum / f"{place}.jpg", np.zeros((32, 40), np.uint8))
    for name, boxes in {
        "010001": [(3, 4, 10, 20), (7, 7, 7, 9)],
        "010002": [],
        "250423": [(0, 0, 40, 32)],
        "190001": [(1, 1, 2, 2)],
    }.items():
        write(tmp_path / f"LLVIP/Annotations/{name}.xml", annotation(*boxes))
    return tmp_path


@pytest.mark.parametrize("inner", ["", "LLVIP"])
def test_the_published_layout(root: Path, inner: str) -> None:
    source = built("data/llvip", root=root / inner)
    assert source.splits() == ("test", "train")
    annotations = source.load("train")
    assert (annotations.classes, annotations.category_ids) == (("person",), (1,))
    first, empty, last = annotations.records
    assert first.path == root / "LLVIP/infrared/train/010001.jpg"
    # The second box of the file has no width.
    np.testing.assert_array_equal(first.boxes, [[3, 4, 10, 20]])
    assert len(empty.boxes) == 0
    np.testing.assert_array_equal(last.boxes, [[0, 0, 40, 32]])
    assert [record.sequence for record in annotations.records] == ["01", "01", "25"]


def test_errors_name_the_place(root: Path) -> None:
    with pytest.raises(UserError, match=r"'val'.*splits found: test, train"):
        built("data/llvip", root=root).load("val")
    write(root / "LLVIP/Annotations/010002.xml", annotation((1, 1, 2, 2), name="car"))
    with pytest.raises(UserError, match=r"010002\.xml: object 1: unknown class 'car'; available: person"):
        built("data/llvip", root=root).load("train")
    (root / "LLVIP/Annotations/010002.xml").unlink()
    with pytest.raises(UserError, match=r"1 of 3 annotation files are missing: .*010002\.xml"):
        built("data/llvip", root=root).load("train")
