"""Pictures that a set's files name by a path, found without ever leaving the set's folder."""

from __future__ import annotations

import os
import unicodedata
from functools import cached_property
from pathlib import Path, PureWindowsPath

from detector.data.readers.assemble import brief
from detector.data.readers.files import PICTURE_SUFFIXES, pictures_under
from detector.errors import UserError


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
        the only picture of a name the suffix does not either.
        Raises UserError, which begins with `where`, for a name that leads out of the set.
        """
        found = self.folder / name
        self._require_inside(found, name, where)
        if os.path.isfile(found) or os.path.isabs(name):
            return found
        plain = name.replace("\\", "/")
        if plain != name:
            found = self.folder / plain
            if PureWindowsPath(name).is_absolute():
                raise self._refused(name, where)
            self._require_inside(found, name, where)
            if os.path.isfile(found):
                return found
        wanted = _folded(os.path.normpath(plain))
        alike = self._by_folded_name.get(wanted) or self._by_folded_name.get(_without_suffix(wanted), [])
        return alike[0] if len(alike) == 1 else found

    def _require_inside(self, path: Path, name: str, where: str) -> None:
        if "\0" in name or not os.path.abspath(path).startswith(tuple(self._allowed)):
            raise self._refused(name, where)

    def _refused(self, name: str, where: str) -> UserError:
        remedy = f"; {self._key}=FOLDER allows pictures in another folder" if self._key else ""
        return UserError(f"{where}: {brief(name)} leads out of {self._root}: refused" + remedy)

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
