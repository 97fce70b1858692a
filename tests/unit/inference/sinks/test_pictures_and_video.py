"""What is drawn comes back from the files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.inference.prediction import Prediction
from detector.inference.sinks.pictures import Pictures
from detector.inference.sinks.video import Video
from tests.unit.inference.builders import prediction

ORANGE = (255, 149, 0)  # of the first class


def grey(level: int, *rows, size: tuple[int, int] = (32, 64)) -> Prediction:
    """A frame of one level in [0, 255]."""
    return prediction(*rows, counts=np.full(size, 257 * level, np.uint16), source=f"clip/{level}.png")


def read_back(path: Path) -> list[np.ndarray]:
    capture, found = cv2.VideoCapture(str(path)), []
    while (result := capture.read())[0]:
        found.append(cv2.cvtColor(result[1], cv2.COLOR_BGR2RGB))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(7)
    return found


def write(path: Path, given: list[Prediction]) -> None:
    with Video(path, fps=7) as video:
        for one in given:
            video.write(one)


def test_a_video_has_the_frames_in_order_with_boxes(tmp_path: Path):
    write(tmp_path / "new" / "v.mp4", [grey(40 * k, ([30, 10, 50, 30], 0.5, 0)) for k in range(6)])
    found = read_back(tmp_path / "new" / "v.mp4")
    assert len(found) == 6
    for k, picture in enumerate(found):
        assert picture.shape == (320, 640, 3)
        assert picture[40:280, 20:280].mean((0, 1)) == pytest.approx([40 * k] * 3, abs=12)
        assert picture[200:260, 298:300].mean((0, 1)) == pytest.approx(ORANGE, abs=90), "left line"
    assert [file.name for file in tmp_path.rglob("*.*")] == ["v.mp4"]


def test_odd_and_changing_sizes_fit_the_first(tmp_path: Path):
    write(tmp_path / "v.mp4", [grey(90, size=(333, 641)), grey(90, size=(33, 47))])
    found = read_back(tmp_path / "v.mp4")
    assert [picture.shape for picture in found] == [(332, 640, 3)] * 2
    assert np.abs(found[1].astype(int) - 90).max() < 8


def test_what_was_written_before_an_error_is_kept(tmp_path: Path):
    nothing_to_draw = prediction(counts=np.zeros((0, 8), np.uint16))
    with pytest.raises(cv2.error):
        write(tmp_path / "v.mp4", [*[grey(90)] * 3, nothing_to_draw])
    assert len(read_back(tmp_path / "v.mp4")) == 3


def test_no_frame_makes_no_file(tmp_path: Path):
    write(tmp_path / "new" / "v.mp4", [])
    with Pictures(tmp_path / "new"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_named_by_number_and_file(tmp_path: Path):
    with Pictures(tmp_path / "new") as pictures:
        pictures.write(grey(20, ([30, 10, 50, 30], 0.5, 0)))
        pictures.write(grey(80))
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["000000_20.png", "000001_80.png"]
    first = cv2.imread(str(tmp_path / "new" / "000000_20.png"))
    assert first[0, 0].tolist() == [20, 20, 20]
    assert tuple(first[250, 299][::-1].tolist()) == ORANGE
