"""When a picture was taken and how its camera was held, from its TIFF or EXIF tags."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile

from detector.errors import UserError
from detector.thermal.io.checks import reading

EXIF_START = b"Exif\0\0"
SIDEWAYS = 5
"""From this orientation on width and height change places."""


def taken_at(tags: tifffile.TiffTags, path: Path) -> datetime | None:
    """EXIF's DateTimeOriginal with its fraction and zone where given, else TIFF's DateTime, else None.

    TIFF 6.0 and EXIF 2.32 write "YYYY:MM:DD HH:MM:SS" without a zone; EXIF's zone is a tag of its own. A
    damaged EXIF part costs its times only.
    """
    try:
        with reading(path, "EXIF part"):
            exif = tags.valueof("ExifTag")
    except UserError:
        exif = None
    if isinstance(exif, dict) and "DateTimeOriginal" in exif:
        fraction = str(exif.get("SubsecTimeOriginal", "")).strip()
        zone = str(exif.get("OffsetTimeOriginal", "")).strip()
        original = str(exif["DateTimeOriginal"]).strip()
        # Cameras without a clock leave blanks in the zone or the fraction; the time is good without them.
        return (
            _parsed(f"{original}.{fraction or 0}{zone}", "%Y:%m:%d %H:%M:%S.%f%z")
            or _parsed(f"{original}.{fraction}", "%Y:%m:%d %H:%M:%S.%f")
            or _parsed(original, "%Y:%m:%d %H:%M:%S")
        )
    return _parsed(str(tags.valueof("DateTime")).strip(), "%Y:%m:%d %H:%M:%S")


def taken_at_of_exif(block: bytes, path: Path) -> datetime | None:
    """The same of an EXIF block of a JPEG, without its start; None too where the block is damaged."""
    try:
        with reading(path, "EXIF block"), tifffile.TiffFile(BytesIO(block)) as file:
            return taken_at(file.pages.first.tags, path)
    except UserError:
        return None


def orientation_of(tags: tifffile.TiffTags) -> int:
    """EXIF's Orientation, 1 to 8; 1, as stored, where there is none or it is no such number."""
    value = tags.valueof("Orientation", 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def orientation_of_exif(block: bytes, path: Path) -> int:
    """The same of an EXIF block of a JPEG, without its start; 1 too where the block is damaged."""
    try:
        with reading(path, "EXIF block"), tifffile.TiffFile(BytesIO(block)) as file:
            return orientation_of(file.pages.first.tags)
    except UserError:
        return 1


def maker_of_exif(block: bytes, path: Path) -> str:
    """Who made the camera, of an EXIF block of a JPEG without its start; empty where that is not told."""
    try:
        with reading(path, "EXIF block"), tifffile.TiffFile(BytesIO(block)) as file:
            return str(file.pages.first.tags.valueof("Make", "")).strip("\0 ")
    except UserError:
        return ""


def turned(counts: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W] counts as a viewer shows them: EXIF 2.32, tag 0x0112. From 5 on the sides change places."""
    if orientation >= SIDEWAYS:
        counts = counts.T
    if orientation in (3, 4, 7, 8):
        counts = counts[::-1]
    if orientation in (2, 3, 6, 7):
        counts = counts[:, ::-1]
    return np.ascontiguousarray(counts)


def turned_back(counts: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W] counts as they are stored: undoes `turned`."""
    # All but the two quarter turns are their own way back.
    return turned(counts, {6: 8, 8: 6}.get(orientation, orientation))


def _parsed(text: str, form: str) -> datetime | None:
    date = text[:10].replace("-", ":")  # as some of DJI's cameras write it
    try:
        return datetime.strptime(date + text[10:], form)
    except ValueError:
        return None
