"""Finding pictures by the names that label tools give them.

Tools rename what is uploaded to them, and every export says it another way:
- Label Studio puts eight hexadecimal digits before a name, `a1b2c3d4-walk_0042.png`, and a place before that,
  `/data/upload/3/...` or `/data/local-files/?d=...`;
- CVAT keeps sub folders or not; COCO files from Windows have backslashes;
- Roboflow writes `walk_0042_png.rf.0123456789abcdef.jpg`.

So names are matched from their end, and only with pictures that are known: no name leads anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from detector.data.readers.assemble import brief
from detector.data.readers.files import PICTURE_SUFFIXES
from detector.errors import UserError

_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")
_ROBOFLOW = re.compile(r"\.rf\.[0-9A-Za-z]{8,40}$")
_FORMER_SUFFIX = re.compile(r"_(?:png|jpe?g|tiff?|bmp)$", re.IGNORECASE)
_SORTED_BY_KIND = {"images", "labels", "annotations", "jpegimages", "obj_train_data"}
"""Folders that tell what kind of file lies in them: no part of the name of a picture and its labels."""


class Pictures:
    """Pictures by the paths that labels may call them, with "/" and suffix; several may lead to one file.

    Of a set on disk these are the paths under its folder. key_of: the first of a file's paths.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.paths = paths
        self._any_case = {text.lower(): text for text in paths}
        self.key_of = {file: text for text, file in reversed(list(paths.items()))}
        self._by_name: dict[str, list[tuple[str, ...]]] = {}
        self._by_stem: dict[str, list[tuple[str, ...]]] = {}
        self._files: dict[tuple[str, ...], Path] = {}
        for text, file in paths.items():
            parts = _parts(text)
            self._files[parts] = file
            self._by_name.setdefault(parts[-1], []).append(parts)
            self._by_stem.setdefault(_without_suffix(parts[-1]), []).append(parts)

    def find(self, name: str, *, where: str) -> Path | None:
        """The picture that a label file calls `name`, a path or URL with or without suffix, or None.

        The whole file name counts first, then the one without what tools put before or behind it; of several
        pictures of that name the one that shares most folders with it, from the end.
        Raises UserError, which begins with `where`, where two share as many.
        """
        parts = _parts(_path_of(name))
        if not parts:
            return None
        for found in self._called(parts[-1]):
            shared = [_shared_end(parts[:-1], other[:-1]) for other in found]
            best = {self._files[o]: o for o, count in zip(found, shared, strict=True) if count == max(shared)}
            if len(best) > 1:
                one, other, *_ = ("/".join(other) for other in best.values())
                raise UserError(
                    f"{where}: {brief(name)} may be {one} or {other}: give the pictures names of their own"
                )
            return next(iter(best))
        return None

    def key(self, path: str) -> str | None:
        """The path by which a picture is known, capitals or not: Windows has `a.PNG` and `a.png` for one."""
        return path if path in self.paths else self._any_case.get(path.lower())

    def has(self, name: str) -> bool:
        """Whether a label file may mean one of the pictures, or several, by `name`."""
        parts = _parts(_path_of(name))
        return bool(parts and self._called(parts[-1]))

    def _called(self, name: str) -> list[list[tuple[str, ...]]]:
        """Pictures by falling likeness of their names."""
        plain = _UPLOAD.sub("", name)
        stem = _without_suffix(plain)
        found = (
            self._by_name.get(name),
            self._by_stem.get(_without_suffix(name)),
            self._by_name.get(plain),
            self._by_stem.get(stem),
            self._by_stem.get(source_stem(name)),
        )
        return [pictures for pictures in found if pictures]


def source_stem(name: str) -> str:
    """A picture's name without suffix and without what tools put before and behind it."""
    stem = _ROBOFLOW.sub("", _without_suffix(_UPLOAD.sub("", name)))
    return _UPLOAD.sub("", _FORMER_SUFFIX.sub("", stem))


def pictures_in(root: Path, files: list[Path]) -> Pictures:
    """Pictures under a folder, by their paths from there."""
    return Pictures({file.relative_to(root).as_posix(): file for file in files})


def _path_of(name: str) -> str:
    """The path in a URL, or the name itself."""
    if "?d=" in name:  # Label Studio's local files
        return unquote(name.partition("?d=")[2].partition("&")[0])
    if re.match(r"[a-z0-9+]{2,}://", name, re.IGNORECASE):
        try:
            return unquote(urlsplit(name).path)
        except ValueError:
            return name
    return unquote(name) if name.startswith("/data/") else name


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in PICTURE_SUFFIXES and stem else name


def _shared_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many folders two paths share from their ends."""
    ends = ([part for part in reversed(path) if part.lower() not in _SORTED_BY_KIND] for path in (one, other))
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*ends, strict=False)))
