"""What a user points at, files, folders, patterns or a list of these, as recordings opened one at a time.

One bad file costs that file: it is told, and the rest is read.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeVar

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.io.colour import REFUSE
from detector.thermal.io.foreign import MAKERS
from detector.thermal.io.opening import PICTURES, RAW, TABLES, VIDEOS, is_shown, natural

RECORDINGS = VIDEOS | {".cptv", ".seq", ".csq"}
KNOWN = PICTURES | RECORDINGS | MAKERS.keys()
EITHER = {".tif", ".tiff", ".npy", ".npz", ".fff"} | RAW
"""Names of files that hold one picture or a recording: only the file tells."""

Failed = Callable[[UserError], None]
"""Is told of whatever cannot be read; the rest goes on."""

T = TypeVar("T")


class Opened(NamedTuple):
    """A recording, whether it is one of pictures in files of their own, and its file or their folder."""

    recording: io.Recording
    stills: bool
    path: Path


def read(
    path: Path | str,
    *,
    raw_shape: tuple[int, int] | None = None,
    colour: str = REFUSE,
    unit: str | None = None,
) -> Frame | io.Recording:
    """The frame of a file that holds one picture; the recording of any other file, or of a folder's pictures.

    raw_shape, colour and unit as io.read takes them. Raises UserError as io.open_recording does, and for a
    picture that is damaged.
    """
    recording = io.open_recording(path, raw_shape=raw_shape, colour=colour, unit=unit)
    if Path(path).is_dir() or recording.length != 1:
        return recording
    return next(iter(recording))


def find(source: Path | str | Sequence[Path | str]) -> list[Path]:
    """The files and folders meant, in natural order where a pattern (*, ?, [...], **) names several.

    Raises UserError for what is not there, a pattern that nothing fits, an empty list, and where there are
    only folders without a picture or a recording.
    """
    found: list[Path] = []
    for item in [source] if isinstance(source, Path | str) else source:
        if Path(item).exists():  # a name may hold brackets
            found.append(Path(item))
            continue
        matches = glob.glob(str(item), recursive=True) if glob.has_magic(str(item)) else []
        if not matches:
            raise UserError(f"{item}: no such image file or folder, and no pattern that fits one")
        found += sorted(map(Path, matches), key=lambda path: [natural(Path(part)) for part in path.parts])
    if not found:
        raise UserError("source: names no file; give a file, a folder, a pattern or a list of these")
    if all(path.is_dir() and not _holds_any(path) for path in found):
        told = ", ".join(map(str, found))
        raise UserError(f"{told}: no pictures or recordings in this folder (of {', '.join(sorted(KNOWN))})")
    return found


def recordings(
    paths: Sequence[Path],
    *,
    raw_shape: tuple[int, int] | None = None,
    colour: str = REFUSE,
    unit: str | None = None,
    failed: Failed,
) -> Iterator[Opened]:
    """What the paths hold, in their order, each opened when it is reached.

    The pictures of a folder are one recording, and so are pictures of one folder that are named after each
    other. Of a folder come its pictures, its recordings, then its subfolders in the same way; links to
    folders and hidden files are passed over. A damaged picture is left out of its recording, another
    recording ends where it is damaged; `failed` is told of both, and of files of other cameras' programs.
    raw_shape, colour and unit as io.read takes them.
    """
    how = io.How(raw_shape, colour, unit)
    for (whole, folder), members in groupby(paths, key=lambda path: (path.is_dir(), _folder_of(path))):
        files = list(members)
        opened = _in_folder(folder, how, failed) if whole else _of_files(files, how, failed)
        none = True
        for item in opened:
            none = False
            yield item
        if none and whole:
            failed(UserError(f"{folder}: no pictures or recordings in this folder"))


def until_failure(items: Iterable[T], failed: Failed) -> Iterator[T]:
    """The items before a UserError, which `failed` is told of."""
    try:
        yield from items
    except UserError as error:
        failed(error)


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _holds_any(folder: Path) -> bool:
    """Whether there is a file in it that may be read, or why it cannot be."""
    try:
        entries = list(folder.iterdir())
    except OSError:  # told when it is read
        return True
    return any(map(_is_read, entries)) or any(_holds_any(entry) for entry in entries if _is_entered(entry))


def _is_read(file: Path) -> bool:
    return file.suffix.lower() in KNOWN and is_shown(file)


def _is_entered(entry: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")


def _in_folder(folder: Path, how: io.How, failed: Failed) -> Iterator[Opened]:
    try:
        entries = sorted(folder.iterdir(), key=natural)
    except OSError as error:
        failed(UserError(f"{folder}: cannot be read: {error.strerror}"))
        return
    files = [entry for entry in entries if _is_read(entry)]
    yield from _of_files(files, how, failed, name=folder.resolve().name)
    for entry in entries:
        if _is_entered(entry):
            yield from _in_folder(entry, how, failed)


def _of_files(
    files: Sequence[Path], how: io.How, failed: Failed, *, name: str | None = None
) -> Iterator[Opened]:
    """Of files of one folder; name: of the folder where all of it is meant."""
    pictures: list[Path] = []
    single: list[Path] = []
    for file in files:
        (pictures if _is_picture(file, how) else single).append(file)
    if name is None and len(pictures) == 1:  # one picture by itself, with a name of its own
        pictures, single = [], list(files)
    if pictures:
        name = name or pictures[0].resolve().parent.name
        frames = partial(_frames, pictures, how, name, failed)
        recording = io.Recording(name, frames, length=len(pictures))
        yield Opened(recording, stills=True, path=pictures[0].parent)
    for file in single:
        try:
            recording = io.open_recording(file, **how._asdict())
        except UserError as error:
            failed(error)
            continue
        frames = partial(until_failure, recording, failed)
        yield Opened(replace(recording, decode=frames), stills=recording.length == 1, path=file)


def _frames(files: Sequence[Path], how: io.How, name: str, failed: Failed) -> Iterator[Frame]:
    for file in files:
        try:
            frame = io.read(file, **how._asdict())
        except UserError as error:
            failed(error)
            continue
        yield replace(frame, sequence=name)


def _is_picture(file: Path, how: io.How) -> bool:
    suffix = file.suffix.lower()
    if suffix not in EITHER:
        return suffix in PICTURES | TABLES
    try:
        return io.open_recording(file, **how._asdict()).length == 1
    except UserError:
        return True  # told when it is read
