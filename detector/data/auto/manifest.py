"""frames.json: frames that were taken out of recordings for labelling, their counts beside 8-bit previews.

People label the previews in any tool; the labels then belong to the counts of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.data.auto.listing import Listing
from detector.data.readers.assemble import brief, require_files
from detector.data.readers.files import load_json
from detector.data.readers.lookup import Pictures
from detector.errors import UserError

NAME = "frames.json"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """counts: the frames' files, by their names and by the names of their previews. recordings: by name."""

    counts: Pictures
    recordings: Mapping[str, str]


def read_manifest(listing: Listing) -> Manifest | None:
    """The manifest in a folder; None where there is none.

    Raises UserError where it is malformed, of another format, or names a file that is not in the folder.
    """
    if NAME not in listing.others:
        return None
    file = listing.root / NAME
    document = load_json(file)
    if "frames" not in document:
        return None
    if document.get("format") != FORMAT:
        raise UserError(f"{file}: format {brief(document.get('format'))}; this program reads format {FORMAT}")
    frames = document["frames"]
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        raise UserError(f"{file}: 'frames' must be a list of objects, found {brief(frames)}")
    paths: dict[str, Path] = {}
    recordings: dict[str, str] = {}
    known = {*listing.pictures, *listing.others}
    for number, frame in enumerate(frames, 1):
        where = f"{file}: frame {number}"
        name, counts, recording = (_text(frame, key, where) for key in ("name", "counts", "recording"))
        if counts not in known:
            raise UserError(f"{where}: its counts, {brief(counts)}, are no file in this folder")
        preview = _text({"preview": name, **frame}, "preview", where)
        for key in dict.fromkeys((name, preview)):
            if paths.setdefault(key, listing.root / counts) != listing.root / counts:
                raise UserError(f"{where}: {brief(key)} is another frame's name too")
        if name in recordings:
            raise UserError(f"{where}: {brief(name)} is listed twice")
        recordings[name] = recording
    require_files(list(paths.values()), file)
    return Manifest(Pictures(paths), recordings)


def _text(frame: Mapping[str, Any], key: str, where: str) -> str:
    value = frame.get(key)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise UserError(f"{where}: {key} must be text, found {brief(value)}")
    return value
