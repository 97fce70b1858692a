"""A video read back shows the pictures that were written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.inference.video import VideoWriter


def pictures(count: int) -> list[np.ndarray]:
    """Picture k is red of strength 40 k on its left half, and blue on its right."""
    made = []
    for k in range(count):
        picture = np.zeros((64, 96, 3), np.uint8)
        picture[:, :48, 0], picture[:, 48:, 2] = 40 * k, 200
        made.append(picture)
    return made


def read_back(path: Path) -> list[np.ndarray]:
    capture, found = cv2.VideoCapture(str(path)), []
    while (result := capture.read())[0]:
        found.append(cv2.cvtColor(result[1], cv2.COLOR_BGR2RGB))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(7)
    return found


def write(path: Path, items: list[np.ndarray]) -> None:
    with VideoWriter(path, fps=7) as video:
        for item in items:
            video.write(item)


def test_pictures_come_back_in_order_and_colour(tmp_path: Path):
    write(tmp_path / "v.mp4", pictures(6))
    found = read_back(tmp_path / "v.mp4")
    assert len(found) == 6
    for k, picture in enumerate(found):
        assert picture[20:40, 10:40].mean((0, 1)) == pytest.approx((40 * k, 0, 0), abs=12)
        assert picture[20:40, 60:90].mean((0, 1)) == pytest.approx((0, 0, 200), abs=12)
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]


def test_odd_and_changing_sizes_fit_the_first(tmp_path: Path):
    items = [np.full((33, 47, 3), 90, np.uint8), np.full((66, 94, 3), 90, np.uint8)]
    write(tmp_path / "v.mp4", items)
    found = read_back(tmp_path / "v.mp4")
    assert [picture.shape for picture in found] == [(32, 46, 3)] * 2
    assert np.abs(found[1].astype(int) - 90).max() < 8


def test_what_was_written_before_an_error_is_kept(tmp_path: Path):
    with pytest.raises(cv2.error):
        write(tmp_path / "v.mp4", [*pictures(3), np.zeros((64, 96, 7), np.uint8)])
    assert len(read_back(tmp_path / "v.mp4")) == 3


def test_no_picture_makes_no_file(tmp_path: Path):
    write(tmp_path / "v.mp4", [])
    assert list(tmp_path.iterdir()) == []
