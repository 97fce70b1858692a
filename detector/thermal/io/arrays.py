"""NumPy files and raw 16-bit counts: arrays [H, W] or [N, H, W], read frame by frame.

A NumPy array may have an axis of one channel too, and floats, which are temperatures.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.io.checks import check_number_type, check_size, depth_of, reading
from detector.thermal.io.recording import Recording
from detector.thermal.io.temperatures import to_counts

RAW_COUNTS = np.dtype("<u2")
NARROWEST = 8  # columns of the smallest sensor; a shorter last axis holds colours or frames
MOST_ARRAYS = 50  # looked at in one archive


class Layout(NamedTuple):
    """Where the frames of an array stand in a stream."""

    shape: tuple[int, int]
    dtype: np.dtype
    length: int
    single: bool  # the array is one picture and no recording
    by_columns: bool = False


def open_numpy(path: Path, *, unit: str | None) -> Recording:
    """The array in a .npy file, or the only one of pictures in a .npz file; pickled objects are never loaded.

    unit: of floats and integers with a sign, as in `to_counts`. Raises UserError unless it is [H, W] or
    [N, H, W] of numbers, or that with an axis of 1 for the channel, complete and, if there is another axis
    than H and W, in C order.
    """
    with reading(path, "NumPy file"), _stream(path) as (stream, size):
        layout = _layout(stream, path)
        if size - stream.tell() < layout.length * math.prod(layout.shape) * layout.dtype.itemsize:
            raise EOFError(f"{size} bytes")
    return Recording(path.stem, partial(_numpy_frames, path, unit), length=layout.length)


def open_raw(path: Path, raw_shape: tuple[int, int] | None) -> Recording:
    """Frames of 16-bit little-endian counts one after another, without a header ("Y16").

    raw_shape: (height, width). Raises UserError where it is not given or does not divide the file.
    """
    if raw_shape is None:
        raise UserError(f"{path}: raw counts carry no shape; give raw_shape=(height, width)")
    height, width = raw_shape
    check_size(path, width=width, height=height)
    with reading(path, "raw file"):
        size = path.stat().st_size
    frame = height * width * RAW_COUNTS.itemsize
    if size % frame:
        raise UserError(
            f"{path}: {size} bytes are no whole number of {width}x{height} 16-bit frames of {frame} bytes; "
            "is raw_shape=(height, width) right?"
        )
    layout = Layout((height, width), RAW_COUNTS, size // frame, single=size == frame)
    return Recording(path.stem, partial(_raw_frames, path, layout), length=layout.length)


def _numpy_frames(path: Path, unit: str | None) -> Iterator[Frame]:
    with reading(path, "NumPy file"), _stream(path) as (stream, _):
        yield from _frames(stream, _layout(stream, path), path, unit)


def _raw_frames(path: Path, layout: Layout) -> Iterator[Frame]:
    with reading(path, "raw file"), path.open("rb") as stream:
        yield from _frames(stream, layout, path, None)


def _frames(stream: IO[bytes], layout: Layout, path: Path, unit: str | None) -> Iterator[Frame]:
    height, width = layout.shape
    size = height * width * layout.dtype.itemsize
    for number in range(layout.length):
        data = stream.read(size)
        stored = np.frombuffer(data, layout.dtype, count=height * width)
        pixels = stored.reshape(width, height).T if layout.by_columns else stored.reshape(height, width)
        counts, calibration, taken_for = to_counts(pixels, path, unit=unit)
        counts = np.array(counts, order="C")
        yield Frame(
            counts,
            depth_of(counts),
            str(path) if layout.single else f"{path} frame {number}",
            sequence=None if layout.single else path.stem,
            calibration=calibration,
            taken_for=taken_for,
        )


@contextmanager
def _stream(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The bytes of the .npy file that `path` is or holds, and how many there are."""
    with path.open("rb") as stream:
        if stream.read(len(npy_format.MAGIC_PREFIX)) == npy_format.MAGIC_PREFIX:
            stream.seek(0)
            yield stream, path.stat().st_size
            return
    with zipfile.ZipFile(path) as archive:
        member = _pictures_in(archive, path)
        with archive.open(member) as stream:
            yield stream, member.file_size


def _pictures_in(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The only array of at least two axes: times and the like may lie beside the frames."""
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    if not members:
        raise UserError(f"{path}: a ZIP archive that holds no NumPy array; unpack it and give what is inside")
    if len(members) > 1:
        members = [member for member in members[:MOST_ARRAYS] if _axes(archive, member) > 1]
    if len(members) != 1:
        names = ", ".join(member.filename.removesuffix(".npy") for member in members[:5])
        raise UserError(f"{path}: holds {len(members)} arrays of pictures ({names}); save the frames alone")
    return members[0]


def _axes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    with archive.open(member) as stream:
        if npy_format.read_magic(stream) != (1, 0):
            return 0
        return len(npy_format.read_array_header_1_0(stream)[0])


def _layout(stream: IO[bytes], path: Path) -> Layout:
    """Of the array whose header stands at the stream's place, which moves past it."""
    version = npy_format.read_magic(stream)
    if version != (1, 0):  # NumPy writes the others for structured arrays only
        raise UserError(f"{path}: NumPy format {version[0]}.{version[1]}; save a plain array of integers")
    shape, by_columns, dtype = npy_format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise UserError(f"{path}: pickled objects are not loaded; save an array of integers")
    check_number_type(path, dtype)
    stored = _without_channel(shape)
    if len(stored) not in (2, 3) or stored[-1] < NARROWEST:
        raise UserError(
            f"{path}: an array {list(shape)}; frames are [height, width] or [number, height, width], with or "
            "without an axis of one channel; frames along the last axis: save numpy.moveaxis(frames, -1, 0)"
        )
    *number, height, width = stored
    check_size(path, width=width, height=height)
    if by_columns and len(shape) > 2:
        raise UserError(f"{path}: frames in Fortran order; save numpy.ascontiguousarray(frames)")
    length = number[0] if number else 1
    if length < 1:
        raise UserError(f"{path}: the array {list(shape)} holds no frame")
    return Layout((height, width), dtype, length, single=not number, by_columns=by_columns)


def _without_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """[H, W, 1], [N, H, W, 1] and [N, 1, H, W] without the axis of 1, which moves no number."""
    if len(shape) > 2 and shape[-1] == 1:
        return shape[:-1]
    return (shape[0], *shape[2:]) if len(shape) == 4 and shape[1] == 1 else shape
