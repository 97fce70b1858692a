"""Headers as other programs write them, against decoding."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from detector.data.readers.header import Header, read_header
from detector.errors import UserError
from detector.structures import Frame
from tests.unit.data.hostile import fuzz


def encoded(suffix: str, counts: np.ndarray) -> bytes:
    fine, data = cv2.imencode(suffix, counts)
    assert fine
    return bytes(data)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_size_and_depth_without_decoding(tmp_path: Path, suffix: str, kind: type) -> None:
    if suffix == ".jpg" and kind is np.uint16:
        pytest.skip("JPEG has 8 bits")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix, np.ones((30, 47), kind)))
    assert read_header(path) == Header(47, 30, 8 * np.dtype(kind).itemsize)


@pytest.mark.parametrize("order", ["<", ">"])
def test_either_byte_order_and_long_or_short_entries(tmp_path: Path, order: str) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, np.ones((3, 30, 47), np.uint16), byteorder=order, photometric="minisblack")
    assert read_header(path) == Header(47, 30, 16)


def test_a_preview_before_the_picture_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    with tifffile.TiffWriter(path) as file:
        file.write(np.ones((3, 4), np.uint8), subfiletype=1, photometric="minisblack")
        file.write(np.ones((30, 47), np.uint16), photometric="minisblack")
    assert read_header(path) == Header(47, 30, 16)


def test_long_segments_before_the_size(tmp_path: Path) -> None:
    """Radiometric JPEG carry their counts in many segments of 64 KiB before the picture."""
    data = encoded(".jpg", np.ones((30, 47), np.uint8))
    segment = b"\xff\xe1\xff\xff" + bytes(65533)
    (tmp_path / "a.jpg").write_bytes(data[:2] + segment * 5 + b"\xff" + data[2:])
    assert read_header(tmp_path / "a.jpg") == Header(47, 30, 8)


def test_a_radiometric_jpeg_has_the_size_of_its_raw_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(".jpg", np.ones((30, 47), np.uint8))
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + b"\xff\xe1\x00\x0aFLIR\0\0\0\0" + data[2:])
    inside = Frame(np.zeros((12, 16), np.uint16), 16, "a.jpg")
    monkeypatch.setattr("detector.thermal.io.read", lambda given, **_: inside if given == path else None)
    assert read_header(path) == Header(16, 12, 16)


def test_formats_without_a_header_known_here_are_decoded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((12, 16), np.uint16))
    assert read_header(tmp_path / "a.npy") == Header(16, 12, 16)


def test_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png: no such image file"):
        read_header(tmp_path / "a.png")
    for name, data, message in [
        (
            "b.png",
            b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\0\0\0\0\0\0\0\1\x08",
            "claims 0x1 pixels",
        ),
        ("c.png", b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\xff" * 9, "claims 4294967295x4294967295 pixels"),
        ("d.jpg", b"\xff\xd8\xff\xe1\xff\xff", "cut short"),
        ("e.tif", b"II*\0\xff\xff\xff\xff", "cut short"),
        ("f.png", b"no picture", r"f\.png: "),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=message):
            read_header(tmp_path / name)


@fuzz
@given(data=st.data())
def test_any_damage(tmp_path: Path, data: st.DataObject) -> None:
    suffix = data.draw(st.sampled_from([".png", ".tiff", ".jpg"]))
    good = bytearray(encoded(suffix, np.ones((8, 8), np.uint8)))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, min(len(good), 200) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / f"a{suffix}").write_bytes(good[: data.draw(st.integers(0, len(good)))])
    try:
        header = read_header(tmp_path / f"a{suffix}")
    except UserError:
        return
    assert header.width > 0
    assert header.height > 0
