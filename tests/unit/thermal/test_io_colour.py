"""Grey in whatever dress is read as grey; colours only as somebody said."""

import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from detector.thermal.io.colour import NEAR_GREY, ColourError, advice, checked_way
from detector.thermal.palettes import colours_of
from tests.unit.thermal.io_builders import GREY_8, GREY_16, indexed_png, save, video

SMOOTH = cv2.GaussianBlur(cv2.resize(GREY_8, (96, 64)), (0, 0), 6)
COUNTS = cv2.normalize(SMOOTH, None, 0, 255, cv2.NORM_MINMAX)


def painted(counts: np.ndarray, palette: str) -> np.ndarray:
    """BGR, as OpenCV writes it."""
    return colours_of(palette)[counts][..., ::-1]


def grey_alpha_png(grey: np.ndarray, alpha: int) -> bytes:
    """Colour type 4, which OpenCV cannot write: W3C PNG, 11.2.2."""
    rows = b"".join(b"\0" + np.dstack([row, np.full_like(row, alpha)]).tobytes() for row in grey)
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("counts", [GREY_8, GREY_16])
def test_an_opaque_alpha_hides_nothing(tmp_path: Path, counts: np.ndarray) -> None:
    largest = np.full_like(counts, np.iinfo(counts.dtype).max)
    path = save(tmp_path / "a.png", np.dstack([counts, counts, counts, largest]))
    np.testing.assert_array_equal(read(path).counts, counts)


def test_grey_with_alpha(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(grey_alpha_png(GREY_8, 255))
    np.testing.assert_array_equal(read(path).counts, GREY_8)
    path.write_bytes(grey_alpha_png(GREY_8, 254))
    with pytest.raises(UserError, match=r"a\.png: has transparent pixels"):
        read(path)


def test_channels_a_few_counts_apart_are_grey(tmp_path: Path) -> None:
    """Blue 16 above red: brightness is 0.299 * 100 + 0.587 * 104 + 0.114 * 116 = 104.2, 254.0 and 239.1."""
    pixels = np.array([[(116, 104, 100), (254, 254, 254), (240, 239, 239)]], np.uint8)
    assert np.ptp(pixels[0, 0]) == NEAR_GREY
    np.testing.assert_array_equal(read(save(tmp_path / "a.png", pixels)).counts, [[104, 254, 239]])
    pixels[0, 0, 0] += 1
    with pytest.raises(ColourError, match=r"a\.png: nearly grey.* 17 counts apart.*data\.colour=luminance"):
        read(save(tmp_path / "a.png", pixels))
    np.testing.assert_array_equal(read(tmp_path / "a.png", colour="luminance").counts, [[104, 254, 239]])


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "lzw.tif"])
def test_colours_are_undone_by_name_and_refused_without(tmp_path: Path, name: str) -> None:
    pixels = painted(COUNTS, "inferno")
    path = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(path, pixels[..., ::-1], photometric="rgb")
    else:
        save(path, pixels)
    with pytest.raises(ColourError, match=r"palette inferno .*data\.colour=palette .*colour=inferno\)"):
        read(path)
    frame = read(path, colour="inferno")
    assert frame.bit_depth == 8
    np.testing.assert_array_equal(frame.counts, COUNTS)
    with pytest.raises(UserError, match=r"is not in the palette jet \(half of the pixels"):
        read(path, colour="jet")


def test_colours_of_16_bits_are_those_of_8(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", painted(COUNTS, "iron").astype(np.uint16) * 257)
    np.testing.assert_array_equal(read(path, colour="iron").counts, COUNTS)


def test_grey_pictures_are_the_same_whatever_is_said_of_colours(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.dstack([GREY_16] * 3))
    for colour in ("luminance", "embedded", "iron"):
        np.testing.assert_array_equal(read(path, colour=colour).counts, GREY_16)


def test_brightness_of_colours(tmp_path: Path) -> None:
    """BT.601: 0.299 of red, 0.587 of green, 0.114 of blue, of 255 each."""
    path = save(tmp_path / "a.png", np.array([[(0, 0, 255), (0, 255, 0), (255, 0, 0)]], np.uint8))
    np.testing.assert_array_equal(read(path, colour="luminance").counts, [[76, 150, 29]])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_the_index_into_a_palette_that_the_file_brings_is_the_count(tmp_path: Path, name: str) -> None:
    """Also where nobody else knows the palette."""
    own = np.stack([np.arange(256), np.arange(256) // 2, 255 - np.arange(256)], axis=1).astype(np.uint8)
    own[200:230, 0] = np.arange(230, 200, -1)  # slow parts and turns do not confuse it
    path = indexed(tmp_path / name, COUNTS, own)
    with pytest.raises(ColourError, match=r"palette in the file: data\.colour=palette .*colour=embedded"):
        read(path)
    np.testing.assert_array_equal(read(path, colour="embedded").counts, COUNTS)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_an_unordered_colour_table_is_no_palette(tmp_path: Path, name: str) -> None:
    """An index into it is no count; its colours are undone by their own palette."""
    places = np.random.default_rng(0).permutation(256)
    table = colours_of("iron")[places]
    path = indexed(tmp_path / name, np.argsort(places).astype(np.uint8)[COUNTS], table)
    with pytest.raises(UserError, match="brings no palette that is a gradient"):
        read(path, colour="embedded")
    np.testing.assert_array_equal(read(path, colour="iron").counts, COUNTS)


def test_a_grey_colour_table_is_grey(tmp_path: Path) -> None:
    falling = np.repeat(255 - np.arange(256), 3).reshape(256, 3).astype(np.uint8)
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read(indexed(tmp_path / name, GREY_8, falling)).counts, 255 - GREY_8)


def indexed(path: Path, indices: np.ndarray, table: np.ndarray) -> Path:
    if path.suffix == ".png":
        path.write_bytes(indexed_png(indices, table))
    else:
        colormap = table.T.astype(np.uint16) * 257
        tifffile.imwrite(path, indices, photometric="palette", colormap=colormap)
    return path


def test_a_colour_film(tmp_path: Path) -> None:
    path = video(tmp_path / "a.avi", [painted(COUNTS, "iron")] * 2, fourcc="MJPG")
    with pytest.raises(ColourError, match=r"a\.avi: false colours, of the palette iron"):
        list(open_recording(path))
    frames = list(open_recording(path, colour="iron"))
    assert [frame.counts.shape for frame in frames] == [COUNTS.shape] * 2
    assert np.abs(frames[1].counts.astype(int) - COUNTS).mean() < 4


def test_pictures_that_are_refused_tell_their_palette_together(tmp_path: Path) -> None:
    """Each alone shows a part of it that is in others too."""
    errors = []
    for number, part in enumerate((COUNTS // 4, 64 + COUNTS // 4, 128 + COUNTS // 2)):
        with pytest.raises(ColourError) as caught:
            read(save(tmp_path / f"{number}.png", painted(part, "rainbow")))
        errors.append(caught.value)
    assert "of the palette rainbow " in advice(errors)


def test_a_photograph_is_of_no_palette(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    with pytest.raises(ColourError, match=r"a\.png: a colour picture of no known palette.*luminance"):
        read(path)


@pytest.mark.parametrize("way", ["palette", "irn"])
def test_a_word_that_no_picture_is_read_by_is_named(tmp_path: Path, way: str) -> None:
    path = save(tmp_path / "a.png", painted(COUNTS, "iron"))
    with pytest.raises(UserError, match=rf"a\.png: colour={way}: one picture is read by a palette's name"):
        read(path, colour=way)


def test_a_word_that_is_no_way_is_named() -> None:
    with pytest.raises(UserError, match=r"data\.colour=irn: must be one of refuse, luminance, palette,"):
        checked_way("irn", where="data.colour")


def test_a_refusal_travels_between_processes() -> None:
    error = ColourError("a.png", colours_of("hot"), apart=255, embedded=False)
    other = pickle.loads(pickle.dumps(error))
    assert str(other) == str(error)
    assert str(error).startswith("a.png: false colours, of the palette hot (")
