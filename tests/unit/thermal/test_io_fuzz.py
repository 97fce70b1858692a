"""Damaged files of every format: either a frame comes out or a UserError, and nothing is printed."""

import gzip
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.thermal.io import open_recording
from detector.thermal.palettes import colours_of
from tests.unit.data.hostile import fuzz as bounded
from tests.unit.thermal.io_builders import (
    GREY_8,
    GREY_16,
    WRITERS_8,
    WRITERS_16,
    exif_orientation,
    fff,
    indexed_png,
    save,
    with_segments,
    write_file,
)

SIZE = (24, 32)
SMALL_16, SMALL_8 = GREY_16 // 4, GREY_8
Damage = tuple[list[tuple[float, int]], float | None]

# Mostly the headers, which stand at the start, are hit.
places = st.one_of(st.floats(0, 1), st.floats(0, 0.05))
damages = st.tuples(
    st.lists(st.tuples(places, st.integers(0, 255)), max_size=6),
    st.one_of(st.none(), st.floats(0, 1)),
)


def damaged(data: bytes, damage: Damage) -> bytes:
    """Bytes put in at shares of the length, then all behind a share cut off."""
    changes, cut = damage
    result = bytearray(data)
    for share, value in changes:
        result[int(share * (len(result) - 1))] = value
    return bytes(result if cut is None else result[: int(cut * len(result))])


def inside_gzip(data: bytes, damage: Damage) -> bytes:
    return gzip.compress(damaged(gzip.decompress(data), damage))


def inside_zip(path: Path, data: bytes, damage: Damage) -> bytes:
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        member = archive.read(archive.namelist()[0])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", damaged(member, damage))
    return path.read_bytes()


def assert_frames_or_user_error(path: Path, colour: str = "refuse") -> None:
    message = f"{path}: "
    try:
        for frame in open_recording(path, raw_shape=SIZE, colour=colour):
            assert frame.counts.dtype in (np.uint8, np.uint16)
            assert frame.counts.ndim == 2
            assert frame.counts.max() < 2**frame.bit_depth
    except UserError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def fuzz(
    path: Path,
    damage_file: Callable[[Damage], bytes],
    capfd: pytest.CaptureFixture[str],
    *,
    colour: str = "refuse",
) -> None:
    capfd.readouterr()

    # A film takes a decoder's start.
    @settings(bounded, max_examples=bounded.max_examples // (3 if path.stem == "film" else 1))
    @given(damages)
    def check(damage: Damage) -> None:
        path.write_bytes(damage_file(damage))
        assert_frames_or_user_error(path, colour)

    check()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", WRITERS_16)
def test_damaged_16_bit_files(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    path = write_file(tmp_path / name, SMALL_16)
    fuzz(path, partial(damaged, path.read_bytes()), capfd)


@pytest.mark.parametrize("name", WRITERS_8)
def test_damaged_8_bit_files(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    path = write_file(tmp_path / name, SMALL_8)
    fuzz(path, partial(damaged, path.read_bytes()), capfd)


def test_damage_inside_a_whole_gzip_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_file(tmp_path / "recording.cptv", SMALL_16)
    fuzz(path, partial(inside_gzip, path.read_bytes()), capfd)


def test_damage_inside_a_whole_zip_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_file(tmp_path / "array.npz", SMALL_16)
    fuzz(path, partial(inside_zip, tmp_path / "packing", path.read_bytes()), capfd)


@pytest.mark.parametrize("colour", ["refuse", "luminance", "embedded", "seek"])
@pytest.mark.parametrize("name", ["indexed.png", "indexed.tif", "colours.png", "colours.jpg", "turned.jpg"])
def test_damaged_files_in_colour(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, colour: str
) -> None:
    path, table = tmp_path / name, colours_of("seek")
    if name == "indexed.png":
        path.write_bytes(indexed_png(SMALL_8, table))
    elif name == "indexed.tif":
        tifffile.imwrite(path, SMALL_8, photometric="palette", colormap=table.T.astype(np.uint16) * 257)
    else:
        save(path, table[SMALL_8][..., ::-1])
    if name == "turned.jpg":
        path.write_bytes(with_segments(path.read_bytes(), [b"Exif\0\0" + exif_orientation(6)]))
    fuzz(path, partial(damaged, path.read_bytes()), capfd, colour=colour)


@pytest.mark.parametrize("name", ["celsius.npy", "kelvin.tif", "signed.npy", "table.csv", "film.seq"])
def test_damaged_temperatures_and_films_of_frames(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    path, celsius = tmp_path / name, SMALL_16 / np.float32(200) - 40
    if path.suffix == ".npy":
        np.save(path, celsius if name == "celsius.npy" else (10 * celsius).astype(np.int16))
    elif path.suffix == ".tif":
        tifffile.imwrite(path, celsius + 273.15)
    elif path.suffix == ".csv":
        np.savetxt(path, celsius, fmt="%.2f", delimiter=";", header="Emissivity;0.95")
    else:
        path.write_bytes(fff(SMALL_16, order="<") + fff(SMALL_16))
    fuzz(path, partial(damaged, path.read_bytes()), capfd)
