import re
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import GREY_8, GREY_16

FILM = np.stack([GREY_16, GREY_16 // 2])
SHAPE = (24, 32)


def write(path: Path, array: np.ndarray) -> Path:
    if path.suffix == ".npz":
        np.savez(path, frames=array)
    else:
        np.save(path, array)
    return path


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "i2", "i4", "u8", "i8"])
def test_integers_that_fit_are_counts(tmp_path: Path, name: str, order: str, dtype: str) -> None:
    counts = GREY_8 // 2
    frame = read(write(tmp_path / name, np.array(counts, dtype, order=order)))
    assert frame.counts.dtype == (np.uint8 if dtype == "u1" else np.uint16)
    assert frame.bit_depth == (8 if dtype == "u1" else 16)
    assert frame.counts.flags.c_contiguous
    np.testing.assert_array_equal(frame.counts, counts)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_stack_is_a_recording(tmp_path: Path, name: str) -> None:
    recording = open_recording(write(tmp_path / name, FILM))
    assert len(recording) == 2
    for _ in range(2):
        frames = list(recording)
        np.testing.assert_array_equal([frame.counts for frame in frames], FILM)
    assert [frame.sequence for frame in frames] == ["a", "a"]
    with pytest.raises(UserError, match="holds several frames"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full(SHAPE, np.nan), "768 of 768 numbers are NaN or infinite"),
        (GREY_16.astype(np.complex128), "pixels are complex128"),
        (GREY_16 > 100, "pixels are bool"),
        (np.full(SHAPE, "a"), "pixels are <U1"),
        (GREY_16.astype(np.int32) - 1000, "counts from -"),
        (GREY_16.astype(np.int64) * 2, "counts from .* uint16 holds"),
        (np.array([[{}]]), "pickled objects are not loaded"),
        (GREY_16.ravel(), r"an array \[768\]; frames are"),
        (np.stack([GREY_16] * 3, axis=-1), r"an array \[24, 32, 3\]; frames are"),
        (FILM[None], r"an array \[1, 2, 24, 32\]; frames are"),
        (np.asfortranarray(FILM), "Fortran order"),
        (np.asfortranarray(GREY_16[..., None]), "Fortran order"),
        (np.moveaxis(FILM, 0, -1)[..., None], r"an array \[24, 32, 2, 1\]"),
        (FILM[:0], "holds no frame"),
        (FILM[:, :0], "claims 32x0 pixels"),
        (np.zeros(SHAPE, [("a", "<u2")]), "pixels are"),
    ],
)
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_other_arrays_are_refused_with_what_to_do(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    path = write(tmp_path / name, array)
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))}: .*{message}|: {message}"):
        list(open_recording(path))


def test_the_only_array_of_pictures_in_an_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, frames=FILM, times=np.arange(2), fps=np.float64(9))
    np.testing.assert_array_equal([frame.counts for frame in open_recording(path)], FILM)
    np.savez(path, frames=FILM, masks=FILM > 0)
    with pytest.raises(UserError, match=r"a\.npz: holds 2 arrays of pictures \(frames, masks\)"):
        open_recording(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("frame.png", b"")
    with pytest.raises(UserError, match=r"a\.npz: a ZIP archive that holds no NumPy array"):
        open_recording(path)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_an_axis_of_one_channel_is_left_out(tmp_path: Path, name: str) -> None:
    frame = read(write(tmp_path / name, GREY_16[..., None]))
    np.testing.assert_array_equal(frame.counts, GREY_16)
    for film in (FILM[..., None], FILM[:, None]):
        recording = open_recording(write(tmp_path / name, film))
        np.testing.assert_array_equal([frame.counts for frame in recording], FILM)


def header(shape: tuple[int, ...]) -> bytes:
    stream = BytesIO()
    description = {"descr": "<u2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((60000, 60000), "claims 60000x60000 pixels"),
        ((10**9, 24, 32), "is cut short"),
        ((25, 32), "is cut short"),
    ],
)
def test_what_a_header_claims_is_checked_at_opening(
    tmp_path: Path, name: str, shape: tuple[int, ...], message: str
) -> None:
    path = tmp_path / name
    data = header(shape) + GREY_16.tobytes()
    if path.suffix == ".npy":
        path.write_bytes(data)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("frames.npy", data)
    with pytest.raises(UserError, match=message):
        open_recording(path)


@pytest.mark.parametrize("suffix", [".raw", ".y16", ".bin"])
def test_raw_counts_are_little_endian(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(bytes.fromhex("01 00 00 01 34 12 ff ff 00 80 02 00"))
    frame = read(path, raw_shape=(2, 3))
    np.testing.assert_array_equal(frame.counts, [[1, 256, 0x1234], [65535, 32768, 2]])
    assert (frame.bit_depth, frame.sequence) == (16, None)


def test_a_whole_multiple_is_a_recording(tmp_path: Path) -> None:
    (tmp_path / "night.raw").write_bytes(FILM.tobytes())
    recording = open_recording(tmp_path / "night.raw", raw_shape=SHAPE)
    assert len(recording) == 2
    np.testing.assert_array_equal([frame.counts for frame in recording], FILM)
    assert {frame.sequence for frame in recording} == {"night"}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (None, r"give raw_shape=\(height, width\)"),
        ((24, 31), "1536 bytes are no whole number of 31x24 16-bit frames of 1488 bytes"),
        ((48, 32), "no whole number"),
        ((0, 32), "claims 32x0 pixels"),
        ((-24, -32), "claims -32x-24 pixels"),
        ((60000, 60000), "claims 60000x60000 pixels"),
    ],
)
def test_a_raw_shape_that_does_not_fit(tmp_path: Path, shape: tuple[int, int] | None, message: str) -> None:
    (tmp_path / "a.raw").write_bytes(GREY_16.tobytes())
    with pytest.raises(UserError, match=rf"a\.raw: .*{message}"):
        open_recording(tmp_path / "a.raw", raw_shape=shape)


def test_raw_counts_that_look_like_another_formats_start_stay_raw(tmp_path: Path) -> None:
    """A first count of 19778 is "BM", of 35615 the start of gzip, of 13648 "P5"."""
    for first in (19778, 35615, 13648):
        counts = np.array([[first, 10], [3, 4]], np.uint16)
        (tmp_path / "a.raw").write_bytes(counts.tobytes())
        np.testing.assert_array_equal(read(tmp_path / "a.raw", raw_shape=(2, 2)).counts, counts)
