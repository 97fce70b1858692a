"""FLIR's own files: .fff, one FFF file, and .seq and .csq, one such file for each frame after another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from detector.structures import Frame
from detector.thermal.io import flir
from detector.thermal.io.checks import MAX_PIXELS, depth_of, reading
from detector.thermal.io.recording import Recording

MOST_BYTES = 4 * MAX_PIXELS
"""Of one frame with all its records, twice what the largest picture needs."""
CHUNK = 2**20
Place = tuple[int, int]
"""Where a frame's file begins within the whole, and how many bytes it has."""


def open_fff(path: Path) -> Recording:
    """Frames with the calibration and time of each. Facts are those of the first frame.

    Raises UserError where the file is cut short or damaged between frames; within one when that is reached.
    """
    with reading(path, "FLIR file"), path.open("rb") as file:
        places = list(_places(file, path.stat().st_size))
        facts = flir.facts(_at(file, places[0]))
    return Recording(path.stem, partial(_frames, path, places), length=len(places), facts=facts)


def _frames(path: Path, places: list[Place]) -> Iterator[Frame]:
    alone = len(places) == 1
    with reading(path, "FLIR file"), path.open("rb") as file:
        for number, place in enumerate(places):
            name = str(path) if alone else f"{path} frame {number}"
            counts, calibration, time = flir.content(_at(file, place), path)
            yield Frame(
                counts,
                depth_of(counts),
                name,
                time=time,
                sequence=None if alone else path.stem,
                calibration=calibration,
            )


def _at(file: IO[bytes], place: Place) -> bytes:
    start, length = place
    file.seek(start)
    return file.read(length)


def _places(file: IO[bytes], size: int) -> Iterator[Place]:
    """Of every frame. One ends where its last record does: counts may look like a frame's beginning."""
    at = 0
    while at < size:
        end = at + _length(file, at)
        if end > size:
            raise EOFError(f"{size} bytes, a frame would end at {end}")
        yield at, end - at
        at = _next(file, end)


def _length(file: IO[bytes], at: int) -> int:
    """Of the frame that begins there."""
    start, count, _ = flir.directory_place(_at(file, (at, flir.FILE_HEADER)))
    if start > MOST_BYTES:
        raise ValueError(f"the frame at byte {at} claims its directory at {start}")
    entries = flir.directory(_at(file, (at, start + count * flir.DIRECTORY_ENTRY)))
    length = max((entry.start + entry.length for entry in entries), default=0)
    if not flir.FILE_HEADER < length <= MOST_BYTES:
        raise ValueError(f"the frame at byte {at} claims {length} bytes")
    return length


def _next(file: IO[bytes], at: int) -> int:
    """Where the next frame begins; the zeros that some programs leave between frames are passed over."""
    while chunk := _at(file, (at, CHUNK)):
        filled = chunk.lstrip(b"\0")
        at += len(chunk) - len(filled)
        if filled:
            break
    return at
