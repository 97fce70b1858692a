import errno
import os
import struct
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from detector.data.readers.header import read_header
from detector.errors import UserError
from detector.thermal.io import read
from detector.thermal.io.exif import turned, turned_back
from tests.unit.thermal.io_builders import (
    GREY_8,
    GREY_16,
    exif_block,
    exif_orientation,
    flir_jpeg,
    save,
    with_segments,
)


@pytest.mark.parametrize(
    ("name", "counts"),
    [(name, counts) for name in ("frame.png", "frame.tif", "frame.pgm") for counts in (GREY_8, GREY_16)]
    + [("frame.bmp", GREY_8)],
)
def test_lossless_files_give_back_every_count(tmp_path: Path, name: str, counts: np.ndarray) -> None:
    frame = read(save(tmp_path / name, counts))
    assert frame.counts.dtype == counts.dtype
    assert frame.bit_depth == 8 * counts.dtype.itemsize
    assert frame.source == str(tmp_path / name)
    np.testing.assert_array_equal(frame.counts, counts)


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
    channels[3, 4, differing] ^= 128
    path = save(tmp_path / "colour.png", channels)
    with pytest.raises(UserError, match=r"colour\.png: .*data\.colour="):
        read(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.pgm", "a.bmp"])
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
    save(tmp_path / "float.tif", GREY_8 / np.float32(255))
    cases = {
        "absent.png": "no such image file",
        "empty.png": "is empty",
        "text.png": "not a readable",
        "float.tif": "floats from 0 to 1 look like a picture scaled",
        ".": "cannot be read: Is a directory",
    }
    for name, message in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("largest", "bits"), [(16383, 14), (65535, 16), (15000, 16), (4095, 16)])
def test_pgm_declares_its_depth_by_a_largest_count_that_is_one(
    tmp_path: Path, largest: int, bits: int
) -> None:
    counts = (GREY_16 >> 3).clip(max=15000)  # up to 15000: 4095 is a false claim
    path = tmp_path / "frame.pgm"
    path.write_bytes(b"P5\n# a camera\n32 24\n%d\n" % largest + counts.astype(">u2").tobytes())
    frame = read(path)
    np.testing.assert_array_equal(frame.counts, counts)
    assert frame.bit_depth == bits


ZONE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("tags", "time"),
    [
        ({"date": "2021:02:03 04:05:06"}, datetime(2021, 2, 3, 4, 5, 6)),
        (
            {"date": "2022:01:01 00:00:00", "original": "2021:02:03 04:05:06"},
            datetime(2021, 2, 3, 4, 5, 6),
        ),
        (
            {"original": "2021:02:03 04:05:06", "fraction": "25", "zone": "+02:00"},
            datetime(2021, 2, 3, 4, 5, 6, 250_000, tzinfo=ZONE),
        ),
        ({"original": "2021:02:03 04:05:06", "zone": "   :  "}, datetime(2021, 2, 3, 4, 5, 6)),
        ({"original": "0000:00:00 00:00:00"}, None),
        ({}, None),
    ],
)
def test_the_time_of_a_jpeg_is_exifs(tmp_path: Path, tags: dict[str, str], time: datetime | None) -> None:
    path = save(tmp_path / "a.jpg", GREY_8)
    path.write_bytes(with_segments(path.read_bytes(), [b"Exif\0\0" + exif_block(**tags)]))
    frame = read(path)
    assert frame.time == time
    assert (frame.time is None) or frame.time.tzinfo == (time and time.tzinfo)


def test_a_broken_exif_block_costs_the_time_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "a.jpg", GREY_8)
    whole = read(path).counts
    path.write_bytes(with_segments(path.read_bytes(), [b"Exif\0\0II*\0\xff\xff\xff\x00"]))
    frame = read(path)
    np.testing.assert_array_equal(frame.counts, whole)
    assert frame.time is None
    assert capfd.readouterr().err == ""


def test_a_jpeg_damaged_in_its_pixels_is_refused_without_a_line_on_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its pixels would come out partly grey; libjpeg only remarks on it."""
    path = save(tmp_path / "a.jpg", GREY_8)
    data = path.read_bytes()
    scan = data.rindex(b"\xff\xda") + 10
    path.write_bytes(data[: scan + 60] + data[scan + 200 :])
    with pytest.raises(UserError, match=r"a\.jpg: the image file is damaged.*Corrupt JPEG"):
        read(path)
    assert capfd.readouterr().err == ""


def test_other_lines_written_to_stderr_while_a_picture_is_decoded_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def decode_and_talk(data: np.ndarray, flags: int) -> np.ndarray:  # noqa: ARG001 (OpenCV's signature)
        os.write(2, b"another thread\n")
        return GREY_8

    monkeypatch.setattr(cv2, "imdecode", decode_and_talk)
    read(save(tmp_path / "a.png", GREY_8))
    assert capfd.readouterr().err == "another thread\n"


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(2**16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".jpg", GREY_8)[1].tobytes())
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def bmp_that_claims(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".bmp", GREY_8)[1].tobytes())
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def pgm_that_claims(width: int, height: int) -> bytes:
    return b"P5\n%d %d\n65535\n" % (width, height) + bytes(100)


@pytest.mark.parametrize("claim", [png_that_claims, jpeg_that_claims, bmp_that_claims, pgm_that_claims])
def test_absurd_sizes_are_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: Callable[[int, int], bytes]
) -> None:
    def decode(data: np.ndarray, flags: int) -> None:  # noqa: ARG001 (OpenCV's signature)
        pytest.fail("decoded")

    monkeypatch.setattr(cv2, "imdecode", decode)
    path = tmp_path / "huge"
    path.write_bytes(claim(60000, 60000))
    with pytest.raises(UserError, match=r"huge: .*(60000x60000|cut short)"):
        read(path)


def test_a_png_in_which_the_pixels_cannot_be_is_refused(tmp_path: Path) -> None:
    """2000 x 2000 is no absurd size, but not of a file of some hundred bytes."""
    path = tmp_path / "a.png"
    path.write_bytes(png_that_claims(2000, 2000))
    with pytest.raises(UserError, match=r"a\.png.*cannot hold 2000x2000 pixels"):
        read(path)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = save(tmp_path / "a.png", GREY_8)
    monkeypatch.setattr(Path, "open", deny)  # root, who runs tests in containers, may read everything
    with pytest.raises(UserError, match=r"a\.png: cannot be read: Permission denied"):
        read(path)


# What EXIF 2.32 says of tag 0x0112: where a picture's first row and first column are shown.
AS_SHOWN = {
    1: [[1, 2], [3, 4], [5, 6]],  # top, left
    2: [[2, 1], [4, 3], [6, 5]],  # top, right
    3: [[6, 5], [4, 3], [2, 1]],  # bottom, right
    4: [[5, 6], [3, 4], [1, 2]],  # bottom, left
    5: [[1, 3, 5], [2, 4, 6]],  # left, top
    6: [[5, 3, 1], [6, 4, 2]],  # right, top
    7: [[6, 4, 2], [5, 3, 1]],  # right, bottom
    8: [[2, 4, 6], [1, 3, 5]],  # left, bottom
}
STORED = np.array(AS_SHOWN[1], np.uint16)


@pytest.mark.parametrize("number", AS_SHOWN)
def test_counts_are_turned_as_a_viewer_shows_them(number: int) -> None:
    np.testing.assert_array_equal(turned(STORED, number), AS_SHOWN[number])
    np.testing.assert_array_equal(turned_back(turned(STORED, number), number), STORED)


@pytest.mark.parametrize("number", AS_SHOWN)
@pytest.mark.parametrize("kind", ["picture", "raw counts", "tiff", "png"])
def test_a_file_that_says_so_is_turned_and_so_is_its_header(tmp_path: Path, number: int, kind: str) -> None:
    path = tmp_path / {"tiff": "a.tif", "png": "a.png"}.get(kind, "a.jpg")
    large = np.kron(STORED.astype(np.uint8) * 40, np.ones((16, 16), np.uint8))
    data = flir_jpeg(STORED) if kind == "raw counts" else save(tmp_path / "a.jpg", large).read_bytes()
    if kind == "tiff":
        tifffile.imwrite(path, STORED, photometric="minisblack", extratags=[(274, "H", 1, number, True)])
    elif kind == "png":
        plain, block = save(path, STORED).read_bytes(), b"eXIf" + exif_orientation(number)
        chunk = struct.pack(">I", len(block) - 4) + block + struct.pack(">I", zlib.crc32(block))
        path.write_bytes(plain[:33] + chunk + plain[33:])
    else:
        path.write_bytes(with_segments(data, [b"Exif\0\0" + exif_orientation(number)]))
    frame = read(path)
    shown = np.rint(frame.counts[8::16, 8::16] / 40) if kind == "picture" else frame.counts
    np.testing.assert_array_equal(shown, AS_SHOWN[number])
    assert frame.orientation == number
    header = read_header(path)
    assert (header.height, header.width) == frame.size


@pytest.mark.parametrize("number", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(tmp_path: Path, number: int) -> None:
    path = save(tmp_path / "a.jpg", GREY_8)
    whole = read(path).counts
    path.write_bytes(with_segments(path.read_bytes(), [b"Exif\0\0" + exif_orientation(number)]))
    np.testing.assert_array_equal(read(path).counts, whole)
