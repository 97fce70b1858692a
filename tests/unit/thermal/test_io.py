from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import read

RNG = np.random.default_rng(0)
GREY_8 = RNG.integers(0, 256, (24, 32), dtype=np.uint8)
GREY_16 = RNG.integers(0, 65536, (24, 32), dtype=np.uint16)


def save(path: Path, array: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), array)
    return path


@pytest.mark.parametrize("name", ["frame.png", "frame.tif"])
@pytest.mark.parametrize("counts", [GREY_8, GREY_16], ids=["8", "16"])
def test_lossless_files_give_back_every_count(tmp_path: Path, name: str, counts: np.ndarray) -> None:
    frame = read(save(tmp_path / name, counts))
    assert frame.counts.dtype == counts.dtype
    assert frame.bit_depth == 8 * counts.dtype.itemsize
    assert frame.source == str(tmp_path / name)
    np.testing.assert_array_equal(frame.counts, counts)


def test_every_level_of_a_14_bit_frame_survives(tmp_path: Path) -> None:
    levels = np.arange(2**14, dtype=np.uint16).reshape(128, 128)
    assert len(np.unique(read(save(tmp_path / "ramp.png", levels)).counts)) == 2**14


def test_jpeg_is_read_as_one_channel(tmp_path: Path) -> None:
    flat = np.full((16, 16), 90, np.uint8)
    frame = read(save(tmp_path / "flat.jpg", flat))
    np.testing.assert_array_equal(frame.counts, flat)


def test_equal_channels_are_reduced_to_one(tmp_path: Path) -> None:
    frame = read(save(tmp_path / "grey.png", np.dstack([GREY_16] * 3)))
    np.testing.assert_array_equal(frame.counts, GREY_16)


@pytest.mark.parametrize("differing", [0, 1, 2])
def test_colour_is_refused_whichever_channel_differs(tmp_path: Path, differing: int) -> None:
    channels = np.dstack([GREY_8] * 3)
    channels[3, 4, differing] ^= 1
    path = save(tmp_path / "colour.png", channels)
    with pytest.raises(UserError, match=r"colour\.png.*colour picture"):
        read(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = save(tmp_path / name, GREY_8)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match=name):
        read(path)


def test_a_jpeg_with_bytes_after_its_end_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "camera.jpg", GREY_8)
    whole = read(path).counts
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    np.testing.assert_array_equal(read(path).counts, whole)


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "bad.png", GREY_16)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.png"):
        read(path)


def test_other_failures_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    save(tmp_path / "float.tif", GREY_8.astype(np.float32))
    cases = {
        "absent.png": "no such image file",
        "empty.png": "is empty",
        "text.png": "not a readable",
        "float.tif": "pixels are float32",
        ".": "cannot be read",
    }
    for name, message in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)
