"""Which format a file has, and from there to its frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from detector.errors import UserError
from detector.files import require_regular
from detector.structures import Frame
from detector.thermal.io.arrays import open_numpy, open_raw
from detector.thermal.io.checks import reading
from detector.thermal.io.colour import REFUSE
from detector.thermal.io.cptv import open_cptv
from detector.thermal.io.fff import open_fff
from detector.thermal.io.foreign import refuse
from detector.thermal.io.pictures import open_picture
from detector.thermal.io.recording import Recording
from detector.thermal.io.table import open_table
from detector.thermal.io.tiff import open_tiff
from detector.thermal.io.video import open_video

OF_COLOURS = (open_picture, open_tiff, open_video)
"""What opens files whose frames may be in colour, and so takes how to read these."""
OF_NUMBERS = (open_numpy, open_tiff, open_table)
"""The same of files whose numbers may be temperatures."""

# Content decides; a signature that is likely enough among raw counts (two bytes) yields to a raw suffix.
SIGNATURES: tuple[tuple[re.Pattern[bytes], Callable[..., Recording]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff"), open_picture),
    (re.compile(rb"(?:II[*+]\0|MM\0[*+])"), open_tiff),
    (re.compile(rb"\x93NUMPY|PK\x03\x04"), open_numpy),
    (re.compile(rb"[FA]FF\0"), open_fff),
    (re.compile(rb"RIFF....AVI |....ftyp|\x1a\x45\xdf\xa3", re.DOTALL), open_video),
)
WEAK_SIGNATURES: tuple[tuple[re.Pattern[bytes], Callable[..., Recording]], ...] = (
    (re.compile(rb"BM|P[25]\s"), open_picture),
    (re.compile(rb"\x1f\x8b"), open_cptv),
)
RAW = {".raw", ".y16", ".bin"}
VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mj2", ".wmv"}
TABLES = {".csv"}
"""Of one frame each if they are of temperatures; among pictures they may be anything else."""
PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm", ".npy", ".npz", ".fff"} | RAW


class How(NamedTuple):
    """What is told of files that do not tell it themselves.

    raw_shape: (height, width) of raw counts, which carry none; ignored for all else. colour: how pictures in
    false colours are read, "refuse", "luminance", "embedded" or a palette's name. unit: what numbers that are
    no counts mean, of temperatures.UNITS; None: by their values, and the frames say what they were taken for.
    """

    raw_shape: tuple[int, int] | None = None
    colour: str = REFUSE
    unit: str | None = None


def read(
    path: Path | str,
    *,
    raw_shape: tuple[int, int] | None = None,
    colour: str = REFUSE,
    unit: str | None = None,
) -> Frame:
    """The frame in a file that holds one picture; counts are exactly those stored.

    Temperatures become counts within half a step of temperatures.STEP. raw_shape, colour, unit: as in How.
    Raises UserError, naming the file, where it is missing, empty, cut short, no picture, several pictures, in
    colour (ColourError) or in another palette than said, too large, or of a number type that is no count.
    """
    path = Path(path)
    recording = _open_file(path, How(raw_shape, colour, unit))
    frames = iter(recording)
    frame = next(frames, None)
    if frame is None:
        raise UserError(f"{path}: holds no frame")
    if recording.length != 1 and next(frames, None) is not None:
        raise UserError(f"{path}: holds several frames where one picture is expected; is it a recording?")
    return frame


def open_recording(
    path: Path | str,
    *,
    raw_shape: tuple[int, int] | None = None,
    colour: str = REFUSE,
    unit: str | None = None,
) -> Recording:
    """The frames of a file of any format, or of all pictures right inside a folder, in natural order.

    raw_shape, colour, unit: as in How. Raises UserError where the file cannot be opened or the folder has no
    pictures; what is wrong with a frame is raised when it is reached.
    """
    path, how = Path(path), How(raw_shape, colour, unit)
    return _open_folder(path, how) if path.is_dir() else _open_file(path, how)


def _open_file(path: Path, how: How) -> Recording:
    suffix = path.suffix.lower()
    require_regular(path)
    with reading(path, "file"), path.open("rb") as file:
        head = file.read(32)
    if not head:
        raise UserError(f"{path}: the image file is empty")
    refuse(path, head)
    for signature, opener in SIGNATURES if suffix in RAW else SIGNATURES + WEAK_SIGNATURES:
        if signature.match(head):
            settings = {"colour": how.colour} if opener in OF_COLOURS else {}
            return opener(path, **settings, **({"unit": how.unit} if opener in OF_NUMBERS else {}))
    if suffix in RAW:
        return open_raw(path, how.raw_shape)
    if suffix in VIDEOS:
        return open_video(path, colour=how.colour)
    if suffix in TABLES:
        return open_table(path, unit=how.unit)
    size = path.stat().st_size
    raise UserError(
        f"{path}: not a readable PNG, JPEG, TIFF, BMP, PGM, NumPy, FLIR, CPTV or video file ({size} bytes); "
        "raw counts need a name that ends in .raw, .y16 or .bin, tables of temperatures .csv"
    )


def _open_folder(path: Path, how: How) -> Recording:
    with reading(path, "folder"):
        files = [file for file in path.iterdir() if file.suffix.lower() in PICTURES and is_shown(file)]
    if not files:
        raise UserError(f"{path}: no pictures in this folder (of {', '.join(sorted(PICTURES))})")
    files.sort(key=natural)
    name = path.resolve().name
    return Recording(name, partial(_folder_frames, files, how, name), length=len(files))


def _folder_frames(files: list[Path], how: How, name: str) -> Iterator[Frame]:
    for file in files:
        yield replace(read(file, **how._asdict()), sequence=name)


def is_shown(file: Path) -> bool:
    """Whether it is a file that is not hidden."""
    return not file.name.startswith(".") and file.is_file()


def natural(file: Path) -> tuple[list[tuple[int, str]], str]:
    """A key to sort by: numbers in a name count as numbers, 2 before 10; equal names keep a fixed order."""
    parts = re.findall(r"(\d+)|(\D+)", file.name.lower())
    return [(int(number or -1), text) for number, text in parts], file.name
