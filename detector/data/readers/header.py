"""Size and depth of a picture without decoding it: a set of 10,000 frames is read in a second or two.

PNG: W3C PNG, IHDR. JPEG: ITU T.81, B.2.2 frame header. TIFF: revision 6.0, section 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from detector.errors import UserError
from detector.thermal import io
from detector.thermal.io import dji, png
from detector.thermal.io.checks import check_size, reading
from detector.thermal.io.colour import LUMINANCE
from detector.thermal.io.exif import EXIF_START, SIDEWAYS, orientation_of_exif
from detector.thermal.io.flir import SEGMENT_START

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_APP1 = 0xE1
_MAY_HOLD_COUNTS = frozenset({0xE3, 0xE4})
_KIND, _WIDTH, _HEIGHT, _BITS, _ORIENTATION = 254, 256, 257, 258, 274
_REDUCED_OR_MASK = 0b101
_SHORT, _LONG = 3, 4


@dataclass(frozen=True)
class Header:
    """Width and height in pixels, as EXIF turns them; bits stored for a sample."""

    width: int
    height: int
    bits: int

    def turned(self, orientation: int) -> Header:
        """The same of the picture that EXIF's orientation has turned."""
        if SIDEWAYS <= orientation <= 8:
            return Header(self.height, self.width, self.bits)
        return self


def read_header(path: Path) -> Header:
    """The header of the picture that io.read gives; where none is known here the file is decoded instead.

    Raises UserError, naming the file, where it is missing, cut short, no picture or of an absurd size.
    """
    with reading(path, "picture"), path.open("rb") as file:
        header = _parse(file, path)
    if header is None:
        # Whether and how colours are taken for counts is decided later; the size is the same.
        frame = io.read(path, colour=LUMINANCE)
        return Header(frame.size[1], frame.size[0], frame.bit_depth)
    check_size(path, width=header.width, height=header.height)
    return header


def preview_header(path: Path) -> Header:
    """The header of the picture that a JPEG shows, whatever counts lie beside it. Raises UserError."""
    with reading(path, "picture"), path.open("rb") as file:
        header = _jpeg(file, path, shown=True)
    if header is None:
        raise UserError(f"{path}: no JPEG")
    return header


def _parse(file: BinaryIO, path: Path) -> Header | None:
    """The header; None where the format is another. struct.error where the file ends too early."""
    start = file.read(8)
    if start == b"\x89PNG\r\n\x1a\n":
        return _png(file, path)
    if start.startswith(b"\xff\xd8"):
        return _jpeg(file, path)
    if start[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(file, "<" if start.startswith(b"II") else ">")
    return None


def _png(file: BinaryIO, path: Path) -> Header:
    """IHDR is the first chunk; an EXIF block counts where it stands before the pixels."""
    file.seek(16)
    header = Header(*_unpack(file, ">IIB"))
    file.seek(33)
    while chunk := file.read(8):
        length, kind = struct.unpack(">I4s", chunk)
        if kind == png.PIXELS:
            break
        if kind == png.EXIF:
            return header.turned(orientation_of_exif(file.read(length), path))
        file.seek(length + 4, 1)  # and its checksum
    return header


def _jpeg(file: BinaryIO, path: Path, *, shown: bool = False) -> Header | None:
    """None where raw counts lie beside the picture, unless what is shown is asked for."""
    file.seek(2)
    orientation: int | None = None  # of the first EXIF block
    while True:
        prefix, marker = _unpack(file, ">BB")
        if prefix != 0xFF:
            return None
        if marker == 0xFF:  # fill byte
            file.seek(-1, 1)
        elif marker in _START_OF_FRAME:
            _, bits, height, width = _unpack(file, ">HBHH")
            return Header(width, height, bits).turned(orientation or 1)
        elif marker not in _WITHOUT_LENGTH:
            (length,) = _unpack(file, ">H")
            start = file.read(min(len(EXIF_START), max(length - 2, 0)))
            flir = marker == _APP1 and start.startswith(SEGMENT_START)
            if not shown and (flir or (marker in _MAY_HOLD_COUNTS and length > dji.LARGE)):
                return None  # what is read are the raw counts in there, of a size of their own
            rest = max(length - 2, 0) - len(start)
            if marker == _APP1 and start == EXIF_START and orientation is None:
                orientation = orientation_of_exif(file.read(rest), path)
            else:
                file.seek(rest, 1)


def _tiff(file: BinaryIO, order: str) -> Header | None:
    """Of the first page, unless that is a preview or mask."""
    file.seek(4)
    (directory,) = _unpack(file, f"{order}I")
    file.seek(directory)
    (count,) = _unpack(file, f"{order}H")
    found: dict[int, int] = {}
    for _ in range(count):
        tag, kind, values, short, rest = _unpack(file, f"{order}HHIHH")
        if kind == _SHORT and values <= 2:
            found[tag] = short
        elif kind == _LONG and values == 1:
            found[tag] = short | rest << 16 if order == "<" else short << 16 | rest
    if _WIDTH not in found or _HEIGHT not in found or found.get(_KIND, 0) & _REDUCED_OR_MASK:
        return None
    # The depths of three samples, a colour picture, stand elsewhere in the file.
    header = Header(found[_WIDTH], found[_HEIGHT], found.get(_BITS, 8))
    return header.turned(found.get(_ORIENTATION, 1))


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
