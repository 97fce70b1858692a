import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.data.annotations import Annotations, ImageRecord
from detector.data.frames import read_frame_of_size
from detector.data.preview import on_counts
from tests.unit.thermal.io_builders import GREY_8, dji_jpeg, flir_jpeg, save

COUNTS = np.random.default_rng(0).integers(7000, 9000, (12, 16), np.uint16)


def record_of(path: Path, width: int, height: int) -> ImageRecord:
    box = np.array([[2.0, 4.0, 10.0, 20.0]], np.float32)
    stored = box.astype(np.float64)
    return ImageRecord(1, path, width, height, box, np.zeros(1, np.int64), np.zeros(1, bool), None, stored)


def moved(record: ImageRecord) -> ImageRecord:
    ((out,),) = (split.records for split in on_counts([Annotations(("a",), (record,), (1,))]))
    return out


@pytest.mark.parametrize("maker", ["FLIR", "DJI"])
def test_boxes_on_the_picture_shown_are_scaled_to_the_counts(
    tmp_path: Path, maker: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jpg"
    counts = COUNTS if maker == "FLIR" else np.resize(COUNTS, (512, 640))
    shown = GREY_8 if maker == "FLIR" else np.zeros((1024, 1280), np.uint8)
    path.write_bytes(flir_jpeg(counts) if maker == "FLIR" else dji_jpeg(counts, shown=shown))
    height, width = shown.shape
    with caplog.at_level(logging.WARNING):
        record = moved(record_of(path, width, height))
    np.testing.assert_array_equal(record.boxes, [[1, 2, 5, 10]])
    np.testing.assert_array_equal(record.stored, [[1, 2, 5, 10]])
    np.testing.assert_array_equal(read_frame_of_size(record).counts, counts)
    assert [told.getMessage() for told in caplog.records if told.name.startswith("detector")] == [
        f"the boxes of 1 radiometric JPEGs are of the picture that they show ({width}x{height} in a.jpg), "
        f"not of the raw counts ({width // 2}x{height // 2}): scaled to these"
    ]


def test_all_other_records_stay_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jpg").write_bytes(flir_jpeg(COUNTS))
    (tmp_path / "square.jpg").write_bytes(flir_jpeg(np.resize(COUNTS, (12, 12))))
    save(tmp_path / "plain.jpg", GREY_8)
    save(tmp_path / "plain.png", GREY_8)
    on_file = record_of(tmp_path / "a.jpg", 16, 12)
    for record in (
        on_file,
        replace(on_file, width=64, height=48),
        record_of(tmp_path / "square.jpg", 32, 24),
        record_of(tmp_path / "plain.jpg", 32, 24),
        record_of(tmp_path / "plain.jpg", 64, 48),
        record_of(tmp_path / "plain.png", 64, 48),
        record_of(tmp_path / "absent.jpg", 32, 24),
    ):
        same = moved(record)
        assert (same.path, same.width, same.height) == (record.path, record.width, record.height)
        np.testing.assert_array_equal(same.boxes, record.boxes)
    assert caplog.messages == []
