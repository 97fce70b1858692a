"""Pictures that a set's files name by a path, found without ever leaving the set's folder."""

from __future__ import annotations

import os
import unicodedata
from functools import cached_property
from pathlib import Path, PureWindowsPath

from detector.data.readers.assemble import brief
from detector.data.readers.files import PICTURE_SUFFIXES, pictures_under
from detector.errors import UserError

MOST_PARTS = 8
"""Of a path of another machine, from its end, that are looked for."""


class PictureFolder:
    """The folder that names count from.

    root: the set's folder; a name may lead to any place in it, or in `folder` itself, which the user may have
    chosen elsewhere, but nowhere else. key: the setting that chooses it, for messages, if there is one.
    """

    def __init__(self, folder: Path, root: Path, *, key: str | None) -> None:
        self.folder = folder
        self._key = key
        self._allowed = [os.path.join(os.path.abspath(place), "") for place in (root, folder)]
        self._root = root

    def path(self, name: str, where: str) -> Path:
        """Where a picture lies; where it should lie if it is nowhere.

        Where there is no file of just that name, backslashes part folders, capitals do not matter, and of
        the only picture of a name the suffix does not either. A name that leads out of the set, as absolute
        paths of another machine do, means the picture in `folder` whose path ends alike.
        Raises UserError, which begins with `where`, where there is none.
        """
        plain = name.replace("\\", "/")
        foreign = PureWindowsPath(name).is_absolute() and not os.path.isabs(name)
        if "\0" in name or foreign or not self._is_inside(plain):
            return self._inside_after_all(plain, name, where)
        for found in (self.folder / name, self.folder / plain):
            if os.path.isfile(found):
                return found
        return self._alike(os.path.normpath(plain)) or self.folder / plain

    def _is_inside(self, plain: str) -> bool:
        return os.path.abspath(self.folder / plain).startswith(tuple(self._allowed))

    def _inside_after_all(self, plain: str, name: str, where: str) -> Path:
        parts = plain.rsplit("/", MOST_PARTS)[-MOST_PARTS:]
        ends = ["/".join(parts[start:]) for start in range(len(parts)) if ".." not in parts[start:]]
        found = next((path for path in map(self._alike, ends) if path is not None), None)
        if found is None:
            remedy = f"; {self._key}=FOLDER allows pictures in another folder" if self._key else ""
            raise UserError(f"{where}: {brief(name)} leads out of {self._root}: refused" + remedy)
        return found

    def _alike(self, plain: str) -> Path | None:
        """The only picture of this path, whatever its capitals or suffix."""
        wanted = _folded(plain)
        found = self._by_folded_name.get(wanted) or self._by_folded_name.get(_without_suffix(wanted), [])
        return found[0] if len(found) == 1 else None

    @property
    def if_missing(self) -> str:
        """What to do where there is no such picture."""
        return f"{self._key} says where they lie, data=auto looks for them" if self._key else ""

    @cached_property
    def _by_folded_name(self) -> dict[str, list[Path]]:
        """All pictures by their paths without capitals, with and without suffix."""
        found: dict[str, list[Path]] = {}
        for path in pictures_under(self.folder) if self.folder.is_dir() else []:
            name = _folded(path.relative_to(self.folder).as_posix())
            found.setdefault(name, []).append(path)
            found.setdefault(_without_suffix(name), []).append(path)
        return found


def _without_suffix(path: str) -> str:
    stem, suffix = os.path.splitext(path)
    return stem if suffix in PICTURE_SUFFIXES else path


def _folded(path: str) -> str:
    """macOS writes letters with accents in two parts."""
    return unicodedata.normalize("NFC", path).casefold()
