from pathlib import Path

import numpy as np
import pytest

from detector.data.readers.header import read_header
from detector.errors import UserError
from detector.thermal.io import read
from tests.unit.thermal.io_builders import GREY_8, dji_jpeg, exif_orientation, with_segments

RNG = np.random.default_rng(0)
COUNTS = RNG.integers(13000, 23000, (512, 640), np.uint16)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("shape", [(512, 640), (1024, 1280)])
@pytest.mark.parametrize("coloured", [False, True])
def test_the_counts_are_read_and_not_the_picture_shown(
    tmp_path: Path, shape: tuple[int, int], coloured: bool
) -> None:
    counts = RNG.integers(0, 65536, shape, np.uint16)
    shown = RNG.integers(0, 256, (*shape, 3) if coloured else shape, np.uint8)
    frame = read(write(tmp_path / "a.jpg", dji_jpeg(counts, shown=shown)))
    np.testing.assert_array_equal(frame.counts, counts)
    assert (frame.bit_depth, frame.calibration) == (16, None)


@pytest.mark.parametrize(
    ("maker", "settings"),
    [
        ("DJI", b""),
        (None, b"\xaa\x55\x12\x06".ljust(2560, b"\0")),
        (None, b"\xff\xd2\xd1\xffhirp".ljust(144, b"\0")),
        (None, bytes(64) + b"\x2c\x01\x20\0" + bytes(32)),
        (None, b""),
    ],
)
def test_what_is_in_the_file_tells(tmp_path: Path, maker: str | None, settings: bytes) -> None:
    """With none of it, the size of what lies in APP3."""
    path = write(tmp_path / "a.png", dji_jpeg(COUNTS, maker=maker, settings=settings))
    np.testing.assert_array_equal(read(path).counts, COUNTS)


def test_the_xt_s_keeps_its_counts_in_app4(tmp_path: Path) -> None:
    data = with_segments(dji_jpeg(COUNTS, marker=0xE4, settings=b""), [bytes(32768)], marker=0xE3)
    np.testing.assert_array_equal(read(write(tmp_path / "a.jpg", data)).counts, COUNTS)


def test_a_picture_shown_twice_as_wide_and_cut_off(tmp_path: Path) -> None:
    data = dji_jpeg(COUNTS, shown=np.zeros((1024, 1280), np.uint8))
    path = write(tmp_path / "a.jpg", data[:-20])
    np.testing.assert_array_equal(read(path).counts, COUNTS)
    header = read_header(path)
    assert (header.width, header.height) == (640, 512)


def test_counts_are_turned_as_exif_says(tmp_path: Path) -> None:
    data = with_segments(dji_jpeg(COUNTS, maker=None), [b"Exif\0\0" + exif_orientation(3)])
    np.testing.assert_array_equal(read(write(tmp_path / "a.jpg", data)).counts, COUNTS[::-1, ::-1])


@pytest.mark.parametrize("maker", ["DJI", None])
@pytest.mark.parametrize("lost", [2, 65532])
def test_counts_that_are_not_whole_are_no_reason_to_read_the_picture(
    tmp_path: Path, maker: str | None, lost: int
) -> None:
    whole = COUNTS.tobytes()[: COUNTS.nbytes - lost]
    data = dji_jpeg(np.frombuffer(whole, np.uint16)[None], shown=GREY_8, maker=maker)
    found = rf"should be 640x512 or 1280x1024 of 2 bytes, found {len(whole)} bytes"
    with pytest.raises(UserError, match=rf"a\.jpg: the DJI block is damaged .*{found}"):
        read(write(tmp_path / "a.jpg", data))


def test_settings_without_counts_are_an_error_too(tmp_path: Path) -> None:
    data = dji_jpeg(COUNTS[:0], shown=GREY_8)
    with pytest.raises(UserError, match=r"a\.jpg: the DJI block .* found 0 bytes"):
        read(write(tmp_path / "a.jpg", data))


def test_a_plain_picture_of_a_dji_camera_stays_one(tmp_path: Path) -> None:
    data = dji_jpeg(COUNTS[:0], shown=GREY_8, settings=b"")
    assert read(write(tmp_path / "a.jpg", data)).counts.dtype == np.uint8


def test_an_infiray_jpeg_is_named(tmp_path: Path) -> None:
    data = with_segments(
        dji_jpeg(COUNTS, maker=None, settings=b""), [b"\1\0\0\0IJPEG\0".ljust(90)], marker=0xE2
    )
    with pytest.raises(UserError, match=r"a\.jpg: an InfiRay radiometric JPEG, .* save .* CSV or TIFF"):
        read(write(tmp_path / "a.jpg", data))
