"""frames.json: which frame of which recording each picture is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any

from detector.errors import UserError
from detector.files import require_regular

NAME = "frames.json"
FORMAT = 1
COUNTS, PREVIEW = "counts", "preview"
_SAFE = {"name": re.compile(r"[A-Za-z0-9_-]+"), "digest": re.compile(r"[0-9a-f]{32}")}
_TYPES: Mapping[object, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float | None": (float, int, NoneType),
}


@dataclass(frozen=True)
class Entry:
    """A frame that was picked.

    name: of its pictures. recording: the recording's, unique in the manifest. source: the file it came from,
    as the user named it. index: of the frame there, from 0. width, height: pixels. time: seconds since the
    recording's first frame, None where neither times nor a frame rate are known. depth: bits the counts use.
    round: which round picked it, from 1. why: what for, see picking.Pick. digest: hex of change.digest, by
    which a later round knows the frame again.
    """

    name: str
    recording: str
    source: str
    index: int
    width: int
    height: int
    time: float | None
    depth: int
    round: int
    why: str
    digest: str

    @property
    def counts(self) -> str:
        """The raw frame, from the manifest's folder."""
        return f"{COUNTS}/{self.name}.png"

    @property
    def preview(self) -> str:
        """The picture to label, from the manifest's folder."""
        return f"{PREVIEW}/{self.name}.png"


def save(entries: Sequence[Entry], folder: Path) -> None:
    """Write the manifest into a folder."""
    frames = [
        {"name": entry.name, "counts": entry.counts, "preview": entry.preview, **asdict(entry)}
        for entry in entries
    ]
    document = {"format": FORMAT, "frames": frames}
    (folder / NAME).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> list[Entry]:
    """The entries of the manifest in a folder, none where there is no manifest.

    Raises UserError for a file that is no manifest, or of another format.
    """
    file = folder / NAME
    require_regular(file)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("frames"), list):
        raise UserError(f"{file}: is no manifest of frames; choose another output")
    if document.get("format") != FORMAT:
        raise UserError(f"{file}: has format {document.get('format')}; this version reads {FORMAT}")
    return [_entry(frame, f"{file}: frame {number}") for number, frame in enumerate(document["frames"])]


def _entry(frame: Any, where: str) -> Entry:
    if not isinstance(frame, dict):
        raise UserError(f"{where}: must be an object, found {type(frame).__name__}")
    for field in fields(Entry):
        if field.name not in frame or not isinstance(frame[field.name], _TYPES[field.type]):
            raise UserError(f"{where}: {field.name} must be {field.type}, found {frame.get(field.name)!r}")
    for key, form in _SAFE.items():
        if not form.fullmatch(frame[key]):
            raise UserError(f"{where}: {key} {frame[key]!r} does not have the form {form.pattern}")
    return Entry(**{field.name: frame[field.name] for field in fields(Entry)})


def unused(name: str, taken: Iterable[str]) -> str:
    """A recording's or a frame's name in letters, digits, _ and -, with a number where it is taken.

    Names that differ in case only are one on some systems.
    """
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "recording"
    used = {other.lower() for other in taken}
    number = 2
    unused = safe
    while unused.lower() in used:
        unused, number = f"{safe}_{number}", number + 1
    return unused


def frame_name(recording: str, index: int) -> str:
    """Sorted by time, and flat: what every label tool keeps. A folder that grows may give a name twice."""
    return f"{recording}_{index:04d}"
