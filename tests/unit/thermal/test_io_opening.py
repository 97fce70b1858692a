import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import (
    GREY_8,
    GREY_16,
    WRITERS_8,
    WRITERS_16,
    save,
    write_file,
    write_film,
)


@pytest.mark.parametrize("name", WRITERS_16)
def test_all_65536_levels_survive_every_16_bit_format(tmp_path: Path, name: str) -> None:
    levels = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    frame = read(write_file(tmp_path / name, levels), raw_shape=(256, 256))
    assert len(np.unique(frame.counts)) == 2**16
    np.testing.assert_array_equal(frame.counts, levels)
    assert frame.bit_depth == 16


@pytest.mark.parametrize("name", WRITERS_8)
def test_8_bit_formats_stay_8_bits(tmp_path: Path, name: str) -> None:
    frame = read(write_file(tmp_path / name, GREY_8))
    assert (frame.counts.dtype, frame.bit_depth, frame.size) == (np.uint8, 8, (24, 32))


@pytest.mark.parametrize("name", [name for name in WRITERS_16 if not name.endswith(".raw")])
def test_the_content_and_not_the_name_tells_the_format(tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path / name, GREY_16 // 4).rename(tmp_path / "frame")
    np.testing.assert_array_equal(read(path).counts, GREY_16 // 4)


@pytest.mark.parametrize("name", ["frame.png", "lzw.tif", "array.npy", "film.mkv"])
def test_a_raw_suffix_yields_to_a_long_signature(tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path / name, GREY_16).rename(tmp_path / "frame.bin")
    np.testing.assert_array_equal(read(path).counts, GREY_16)


def test_a_folder_is_a_recording_in_natural_order(tmp_path: Path) -> None:
    folder = tmp_path / "night 1"
    folder.mkdir()
    for name, count in (("f10.png", 10), ("F2.tif", 2), ("f1.png", 1), ("f2b.png", 3), ("g0.npy", 11)):
        counts = np.full((8, 9), count, np.uint16)
        np.save(folder / name, counts) if name == "g0.npy" else save(folder / name, counts)
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_text("not a picture")
    (folder / "deeper.png").mkdir()
    recording = open_recording(folder)
    assert (recording.name, len(recording)) == ("night 1", 5)
    for _ in range(2):
        frames = list(recording)
        assert [int(frame.counts[0, 0]) for frame in frames] == [1, 2, 3, 10, 11]
    assert {frame.sequence for frame in frames} == {"night 1"}
    assert frames[0].source == str(folder / "f1.png")


def test_raw_pictures_in_a_folder(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.raw").write_bytes((GREY_16 + number).tobytes())
    frames = list(open_recording(tmp_path, raw_shape=(24, 32)))
    np.testing.assert_array_equal(frames[1].counts, GREY_16 + 1)
    with pytest.raises(UserError, match=r"0\.raw: raw counts carry no shape"):
        list(open_recording(tmp_path))


def test_frames_are_decoded_when_they_are_reached(tmp_path: Path) -> None:
    save(tmp_path / "1.png", GREY_8)
    (tmp_path / "2.png").write_bytes(b"damaged")
    frames = iter(open_recording(tmp_path))
    np.testing.assert_array_equal(next(frames).counts, GREY_8)
    with pytest.raises(UserError, match=r"2\.png: not a readable PNG"):
        next(frames)


def test_a_picture_alone_belongs_to_no_recording(tmp_path: Path) -> None:
    (frame,) = open_recording(save(tmp_path / "a.png", GREY_8))
    assert frame.sequence is None
    assert frame.source == str(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["lzw.tif", "array.npz", "camera.raw", "film.mkv", "frame.png"])
def test_a_recording_can_be_sent_to_another_process(tmp_path: Path, name: str) -> None:
    recording = open_recording(write_file(tmp_path / name, GREY_16), raw_shape=(24, 32))
    (frame,) = pickle.loads(pickle.dumps(recording))
    np.testing.assert_array_equal(frame.counts, GREY_16)


@pytest.mark.parametrize("opener", [read, open_recording])
def test_what_cannot_be_opened(tmp_path: Path, opener: object) -> None:
    assert callable(opener)
    (tmp_path / "empty.cptv").touch()
    (tmp_path / "a.doc").write_text("no picture")
    for name, message in (
        ("absent.cptv", "no such image file"),
        ("empty.cptv", "the image file is empty"),
        ("a.doc", r"not a readable PNG.*\(10 bytes\)"),
    ):
        with pytest.raises(UserError, match=rf"{name}: {message}"):
            opener(tmp_path / name)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pictures in this folder"):
        open_recording(tmp_path)
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["long.tif", "long.npz", "long.npy", "long.raw", "long.cptv"])
def test_memory_does_not_grow_with_a_recordings_length(tmp_path: Path, name: str) -> None:
    film = np.broadcast_to(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64), (200, 64, 64))
    path = tmp_path / name
    write_film(path, film)
    recording = open_recording(path, raw_shape=(64, 64))
    frames = iter(recording)
    next(frames)  # what a decoder sets up once
    tracemalloc.start()
    try:
        count = 1 + sum(1 for _ in frames)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 200
    assert peak < 40 * film[0].nbytes


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "camera.png")
    with pytest.raises(UserError, match=r"camera\.png: is no regular file but a pipe"):
        read(tmp_path / "camera.png")
