from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import GREY_8, GREY_16, video

SMOOTH = cv2.GaussianBlur(cv2.resize(GREY_8, (96, 64)), (0, 0), 6)


def test_16_bit_film_keeps_every_count(tmp_path: Path) -> None:
    film = [GREY_16, GREY_16 // 2, GREY_16 // 3]
    recording = open_recording(video(tmp_path / "night.mkv", film))
    for _ in range(2):
        frames = list(recording)
        np.testing.assert_array_equal([frame.counts for frame in frames], film)
    assert {(frame.bit_depth, frame.sequence, frame.time) for frame in frames} == {(16, "night", None)}
    assert recording.fps == pytest.approx(9)
    assert recording.length is None


def test_8_bit_film_is_one_channel(tmp_path: Path) -> None:
    (frame,) = open_recording(video(tmp_path / "a.avi", [GREY_8]))
    assert (frame.counts.dtype, frame.bit_depth) == (np.uint8, 8)
    np.testing.assert_array_equal(frame.counts, GREY_8)


@pytest.mark.parametrize(("name", "code"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_lossy_colour_coding_of_a_grey_film_is_grey(tmp_path: Path, name: str, code: str) -> None:
    (frame,) = open_recording(video(tmp_path / name, [np.dstack([SMOOTH] * 3)], fourcc=code))
    assert np.abs(frame.counts.astype(int) - SMOOTH).mean() < 3


def test_film_that_opencv_would_reduce_is_refused(tmp_path: Path) -> None:
    """PNG in a MOV file is big endian, which OpenCV hands on as 8 bits."""
    with pytest.raises(UserError, match=r"a\.mov: .*would be reduced to 8 bits; .*gray16le"):
        open_recording(video(tmp_path / "a.mov", [GREY_16], fourcc="png "))


def test_several_frames_are_not_taken_for_one_picture(tmp_path: Path) -> None:
    assert read(video(tmp_path / "one.avi", [GREY_8])).size == (24, 32)
    with pytest.raises(UserError, match=r"two\.avi: holds several frames"):
        read(video(tmp_path / "two.avi", [GREY_8, GREY_8]))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_what_is_no_film_is_refused_without_a_line_on_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    whole = video(tmp_path / name, [GREY_8] * 3, fourcc="mp4v" if name == "a.mp4" else "FFV1").read_bytes()
    capfd.readouterr()
    for data in (whole[:48], whole[:200], b"no film at all"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=rf"{name}: (not a readable video|the video holds no frame)"):
            list(open_recording(tmp_path / name))
    assert capfd.readouterr().err == ""
