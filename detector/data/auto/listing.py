"""What lies in a folder: names only, so that 100,000 files take a second."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from detector.data.readers.files import PICTURE_SUFFIXES
from detector.errors import UserError

PRELABELS = "prelabels"
"""The folder of what a detector found in frames that a person is to label: no truth."""

_NO_DATA = ("__MACOSX", "lost+found", "node_modules", PRELABELS)


@dataclass(frozen=True)
class Listing:
    """The files under a folder, hidden ones left out; links to folders are not followed.

    pictures, others: paths from the root with "/", by alphabet. stamp: a number that changes with the names
    of files, and with size and time of all but pictures.
    """

    root: Path
    stamp: int
    pictures: tuple[str, ...] = field(compare=False)
    others: tuple[str, ...] = field(compare=False)

    def ending(self, *suffixes: str) -> list[str]:
        """The files, other than pictures, of these suffixes in small letters."""
        return [file for file in self.others if file.lower().endswith(suffixes)]

    def told(self) -> str:
        """How many files of which kind there are, in words."""
        counts = Counter(PurePosixPath(file).suffix.lower() or "no suffix" for file in self.others)
        kinds = [f"{count} {suffix}" for suffix, count in counts.most_common(6)]
        return ", ".join([f"{len(self.pictures)} pictures", *kinds])


def list_folder(root: Path) -> Listing:
    """The files under a folder, or under the only folder in it. Raises UserError where it is none."""
    if not root.is_dir():
        raise UserError(f"data.root={root}: no such folder or zip file")
    while len(inner := _shown(root)) == 1 and inner[0].is_dir(follow_symlinks=False):
        root = Path(inner[0].path)
    pictures: list[str] = []
    others: list[tuple[str, int, int]] = []
    waiting = [(root, "")]
    while waiting:
        folder, before = waiting.pop()
        for entry in _shown(folder):
            name = before + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), f"{name}/"))
            elif os.path.splitext(entry.name)[1].lower() in PICTURE_SUFFIXES:
                pictures.append(name)
            elif entry.is_file():
                about = entry.stat()
                others.append((name, about.st_size, about.st_mtime_ns))
    pictures.sort()
    others.sort()
    stamp = hash((tuple(pictures), tuple(others)))
    return Listing(root, stamp, tuple(pictures), tuple(name for name, _, _ in others))


def _shown(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry for entry in entries if not entry.name.startswith(".") and entry.name not in _NO_DATA
            ]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from None
