"""Finding and reading the files of a data set; whatever is wrong with them is a UserError that names them."""

from __future__ import annotations

import codecs
import glob
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from detector.errors import UserError
from detector.files import require_regular
from detector.thermal.io.opening import PICTURES, RAW

Json = dict[str, Any]

PICTURE_SUFFIXES = PICTURES - RAW
"""Of files that are read without being told their size."""
SPLIT = "{split}"


def check_pattern(key: str, pattern: object) -> None:
    """Raises UserError unless the setting is a path under the root with a place for the split's name."""
    if not isinstance(pattern, str) or SPLIT not in pattern:
        raise UserError(f"data.source.{key}='{pattern}': needs '{SPLIT}' for the split's name")
    if Path(pattern).is_absolute():
        raise UserError(f"data.source.{key}='{pattern}': must be a path under the root, not an absolute one")


def place_of(root: Path, pattern: str, split: str) -> Path:
    """Where a split lies that `pattern` describes."""
    return root / pattern.replace(SPLIT, split)


def split_names(root: Path, pattern: str, *, folders: bool = False) -> tuple[str, ...]:
    """Names of the splits for which the pattern's file is there, or its folder where that is meant."""
    parts = pattern.split(SPLIT)
    found = root.glob("*".join(glob.escape(part) for part in parts))
    found = (place for place in found if not place.name.startswith(".") and place.is_dir() == folders)
    # The same name must stand at every place.
    form = re.escape(parts[0]) + "(?P<split>.+)" + "(?P=split)".join(map(re.escape, parts[1:]))
    matches = (re.fullmatch(form, file.relative_to(root).as_posix()) for file in found)
    return tuple(sorted(match["split"] for match in matches if match))


def require_split(root: Path, place: Path, split: str, available: Sequence[str]) -> None:
    """Raises UserError unless root is a folder and the split's annotations, `place`, are there."""
    if not root.is_dir():
        raise UserError(
            f"data.root={root}: no such folder; give a data set's, data=auto data.root=PATH, or make a "
            f"synthetic one: thermal-detector synth root={root}"
        )
    if not place.exists():
        found = (
            f"splits found: {', '.join(available)}" if available else "no split found: wrong layout or root?"
        )
        raise UserError(f"data split '{split}': {place} does not exist; {found}")


def pictures_under(folder: Path) -> list[Path]:
    """The picture files in a folder and those below it, by name; hidden ones, as macOS leaves, are none."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES)
    return sorted(file for file in files if not file.name.startswith(".") and not file.is_dir())


def picture_names(folder: Path) -> dict[str, Path]:
    """The pictures under a folder by their path in it without suffix; UserError where two have the same."""
    names: dict[str, Path] = {}
    for path in pictures_under(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in names:
            raise UserError(f"{folder}: {names[name].name} and {path.name} differ in their suffix only")
        names[name] = path
    return names


def load_json(file: Path) -> Json:
    """The object in a JSON file; UserError where there is none, or where an object has a key twice."""
    document = load_any_json(file)
    if not isinstance(document, dict):
        raise UserError(f"{file}: expected a JSON object, found {type(document).__name__}")
    return document


def load_any_json(file: Path) -> Any:
    """What is in a JSON file; UserError where it is none, or where an object has a key twice."""
    try:
        return parse_json(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not a readable JSON file: {error}") from None


def parse_json(data: bytes) -> Any:
    """What a JSON text says; ValueError where it is none, or where an object has a key twice."""
    return json.loads(data, object_pairs_hook=_object)


def section(document: Json, key: str, file: Path) -> list[Json]:
    """A list of objects in a COCO document; UserError where there is none."""
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        keys = ", ".join(name[:40] for name in sorted(document)[:8])
        found = f"found keys {keys}" if value is None else "found something else there"
        raise UserError(f"{file}: not a COCO file: '{key}' must be a list of objects; {found}")
    return value


def read_text(file: Path, *, limit_mib: int) -> str:
    """The text in a file of at most `limit_mib` MiB; UserError above.

    In UTF-8, or UTF-16 with a byte order mark as Excel writes it. Anything else is taken for Windows-1252,
    the Latin-1 of Windows: names with accents come out right, and the numbers in any case.
    """
    data = read_bytes(file)
    if len(data) > limit_mib * 2**20:
        raise UserError(f"{file}: {len(data)} bytes, more than the {limit_mib} MiB such a file may have")
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in data:
            raise UserError(f"{file}: not a text: {error}") from None
        return data.decode("cp1252", "replace")


def read_bytes(file: Path) -> bytes:
    """What is in a file of annotations; UserError where there is none or it cannot be read."""
    require_regular(file)
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{file}: no such annotation file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None


def _object(pairs: Iterable[tuple[str, Any]]) -> Json:
    """A JSON object; Python's own reader would keep the last of two values without a word."""
    pairs = list(pairs)
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"an object has the key {max(keys, key=keys.count)!r} twice")
    return value
