"""Which format label files have, from a look at the beginnings of a few of them."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from detector.data.auto.listing import Listing
from detector.data.readers.csv_rows import is_table
from detector.data.readers.lookup import Pictures

HEAD = 2**16
ALL_UP_TO = 20
"""Of a folder with more files of one suffix a few stand for all."""
SAMPLE = 8

_JSON_KEYS: Mapping[str, tuple[bytes, ...]] = {
    "labelme": (b'"shapes"', b'"imagePath"'),
    "coco": (b'"images"', b'"annotations"', b'"categories"'),
    "hit_uav": (b'"images"', b'"annotation"', b'"categories"'),
}
"""Keys that a JSON object of that kind has, whatever their order."""


def kinds_of(listing: Listing, pictures: Pictures) -> dict[str, list[str]]:
    """The label files in a folder by what they hold: coco, csv, cvat, hit_uav, label_studio,
    labelme, voc or yolo.

    pictures: those that labels may be of; a text file without a picture of its name is no label file.
    """
    found: dict[str, list[str]] = {}
    texts = [file for file in listing.ending(".txt") if pictures.has(file[:-4])]
    for files, kind_of in (
        (listing.ending(".json"), json_kind),
        (listing.ending(".xml"), xml_kind),
        (listing.ending(".csv"), _csv_kind),
        (texts, _text_kind),
    ):
        for kind, members in _by_kind(listing.root, files, kind_of).items():
            found.setdefault(kind, []).extend(members)
    return found


def _by_kind(root: Path, files: Sequence[str], kind_of: Callable[[Path], str | None]) -> dict[str, list[str]]:
    """Files by kind; where a folder holds many, a few that agree stand for all of them."""
    folders: dict[str, list[str]] = {}
    for file in files:
        folders.setdefault(file.rpartition("/")[0], []).append(file)
    found: dict[str, list[str]] = {}
    for members in folders.values():
        if len(members) > ALL_UP_TO:
            kinds = {kind_of(root / file) for file in members[:: len(members) // SAMPLE]} - {None}
            if len(kinds) == 1:
                found.setdefault(str(kinds.pop()), []).extend(members)
                continue
        for file in members:
            kind = kind_of(root / file)
            if kind is not None:
                found.setdefault(kind, []).append(file)
    return found


def json_kind(file: Path) -> str | None:
    """coco, hit_uav, labelme or label_studio; None for any other JSON file."""
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
            start = text[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
            if start.startswith(b"["):
                return "label_studio" if re.search(rb'"(annotations|predictions)"', start) else None
            for kind, keys in _JSON_KEYS.items():
                if all(text.find(key) >= 0 for key in keys):
                    return kind
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    return None


def xml_kind(file: Path) -> str | None:
    """voc or cvat, by the first element; None for any other XML file."""
    match = re.search(rb"<([A-Za-z_][\w.-]*)", _head(file))
    return {b"annotation": "voc", b"annotations": "cvat"}.get(match[1]) if match else None


def _csv_kind(file: Path) -> str | None:
    lines = _head(file).decode("utf-8-sig", "replace").splitlines()
    return "csv" if lines and is_table(lines[0]) else None


def _text_kind(file: Path) -> str | None:
    """yolo where the first line is a number and shares of a picture; None also for an empty file."""
    words = _head(file).split(b"\n", 1)[0].split()
    return "yolo" if len(words) >= 5 and all(map(_is_number, words)) else None


def _is_number(word: bytes) -> bool:
    return re.fullmatch(rb"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?", word) is not None


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(HEAD)
    except OSError:
        return b""
