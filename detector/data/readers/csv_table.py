"""Tables of boxes: one row for each object.

Checked against the format that keras-retinanet made common: rows of `path,x1,y1,x2,y2,class` without a
header, edges in pixels counted from 0, and `path,,,,,` for a picture without objects. Tables with a header
row are read too, under the names of COLUMNS, in any order; what is not known there is passed over.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    GroundTruth,
    Picture,
    assemble,
    brief,
    checked_name,
    require_files,
    sequence_finder,
    shown,
)
from detector.data.readers.files import (
    SPLIT,
    check_pattern,
    place_of,
    read_text,
    require_split,
    split_names,
)
from detector.data.readers.header import read_header
from detector.data.readers.labelled import Labelled, Shape
from detector.errors import UserError

LIMIT_MIB = 512
COLUMNS = {
    "path": ("path", "filename", "file_name", "image", "image_path", "img", "file"),
    "x1": ("x1", "xmin", "x_min", "left"),
    "y1": ("y1", "ymin", "y_min", "top"),
    "x2": ("x2", "xmax", "x_max", "right"),
    "y2": ("y2", "ymax", "y_max", "bottom"),
    "class": ("class", "class_name", "label", "category", "name"),
    "ignored": ("ignored", "ignore", "difficult", "iscrowd"),
    "sequence": ("sequence", "recording", "video", "scene"),
    "split": ("split", "subset", "set"),
}
"""Names of columns in a header row, capitals or not; the first six must be there."""
_NEEDED = tuple(COLUMNS)[:6]
_BOX = ("x1", "y1", "x2", "y2")


class _Row(NamedTuple):
    """One row: its cells by the keys of COLUMNS, empty where the table has none, and its line for messages.

    box is None in a row without object.
    """

    cells: dict[str, str]
    box: tuple[float, float, float, float] | None
    line: int


@dataclass(frozen=True)
class CsvSource:
    """A data set of tables.

    root: the data set's folder. classes: which names to learn, in label order; None takes all that stand in
    the tables of any split, by alphabet. annotations: the split's table, `{split}` standing for its name, or
    one table with a split column. images: the folder under root from where the paths in the table count.
    sequence_pattern: a regular expression whose one group finds the recording in a path as the table gives
    it, for rows without a sequence.
    """

    root: Path | str
    classes: Sequence[str] | None
    annotations: str
    images: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        if self._by_file():
            check_pattern("annotations", self.annotations)
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        """Names of the splits that exist. Raises UserError where one table of all cannot be read."""
        if self._by_file():
            return split_names(Path(self.root), self.annotations)
        file = Path(self.root) / self.annotations
        return tuple(sorted({row.cells["split"] for row in _rows(file)})) if file.is_file() else ()

    def load(self, split: str) -> Annotations:
        """The split's truth; images are numbered from 1 as they come, classes from 1 by alphabet.

        Boxes and classes as `assemble` takes them. Raises UserError on malformed tables, and where root,
        split or pictures are missing.
        """
        root = Path(self.root)
        file = place_of(root, self.annotations, split)
        require_split(root, file, split, self.splits() if self._by_file() else ())
        if self._by_file():
            tables = {name: _rows(place_of(root, self.annotations, name)) for name in self.splits()}
            rows = tables[split]
        else:
            tables = {split: _rows(file)}
            rows = [row for row in tables[split] if row.cells["split"] == split]
            if not rows:
                raise UserError(
                    f"{file}: no row of split '{split}'; splits found: {shown(self.splits(), 20)}"
                )
        objects = (row for table in tables.values() for row in table if row.box is not None)
        names = sorted({row.cells["class"] for row in objects})
        pictures = _pictures(
            rows,
            {name: key for key, name in enumerate(names, 1)},
            place_of(root, self.images, split),
            sequence_pattern=self.sequence_pattern,
            source=file,
        )
        return assemble(pictures, dict(enumerate(names, 1)), classes=self.classes, source=file)

    def _by_file(self) -> bool:
        return SPLIT in self.annotations


def labelled_rows(file: Path) -> list[tuple[str, Labelled]]:
    """The pictures of a table, each with what its split column says, empty where there is none.

    Raises UserError on malformed tables, and for a picture in two splits or recordings.
    """
    grouped: dict[str, list[_Row]] = {}
    for row in _rows(file):
        grouped.setdefault(row.cells["path"], []).append(row)
    found = []
    for name, group in grouped.items():
        where = f"{file}: line {group[0].line}"
        for key in ("split", "sequence"):
            values = {row.cells[key] for row in group}
            if len(values) > 1:
                raise UserError(f"{where}: {name} is in two {key}s: {shown(sorted(values))}")
        shapes = [
            Shape(row.cells["class"], row.box, f"line {row.line}", row.cells["ignored"] == "1")
            for row in group
            if row.box is not None
        ]
        first = group[0].cells
        found.append((first["split"], Labelled(name, None, shapes, where, first["sequence"] or None)))
    return found


def is_table(line: str) -> bool:
    """Whether a file that begins with this line is meant as such a table, whatever may be wrong with it."""
    words = [word.strip().lower() for word in re.split("[,;\t]", line)]
    if any(name in words for name in COLUMNS["path"]) and any(name in words for name in COLUMNS["class"]):
        return True
    numbers = (re.fullmatch(r"-?[0-9.]*", word) is not None for word in words[1:5])
    return len(words) == len(_NEEDED) and bool(words[0]) and all(numbers)


def _rows(file: Path) -> list[_Row]:
    """The rows of a table."""
    text = read_text(file, limit_mib=LIMIT_MIB)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: dict[str, int] | None = None
    rows = []
    try:
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            if columns is None:
                columns = _header(line, file)
                if columns is not None:
                    continue
                columns = {key: place for place, key in enumerate(_NEEDED)}
            rows.append(_row(line, columns, reader.line_num, file))
    except csv.Error as error:
        raise UserError(f"{file}: line {reader.line_num}: not a readable row: {error}") from None
    return rows


def _header(line: Sequence[str], file: Path) -> dict[str, int] | None:
    """The place of each column, or None where the first line is a row of the table already.

    Of two names for the same the one that COLUMNS lists first counts.
    """
    words = [word.strip().lower() for word in line]
    found = {
        key: words.index(name) for key, names in COLUMNS.items() for name in reversed(names) if name in words
    }
    if not set(_BOX) & found.keys():
        return None
    missing = [key for key in _NEEDED if key not in found]
    if missing:
        raise UserError(
            f"{file}: the header row has no column {shown(missing)}; found {brief(', '.join(words))}"
        )
    return found


def _row(line: Sequence[str], columns: Mapping[str, int], number: int, file: Path) -> _Row:
    where = f"{file}: line {number}"
    if len(line) <= max(columns[key] for key in _NEEDED):
        raise UserError(f"{where}: {len(line)} cells; needs {', '.join(_NEEDED)}")
    cells = {
        key: line[columns[key]].strip() if columns.get(key, len(line)) < len(line) else "" for key in COLUMNS
    }
    if not cells["path"]:
        raise UserError(f"{where}: no path")
    if not any(cells[key] for key in (*_BOX, "class")):
        return _Row(cells, None, number)
    checked_name(cells["class"], where)
    if cells["ignored"] not in ("", "0", "1"):
        raise UserError(f"{where}: ignored must be 0 or 1, found {brief(cells['ignored'])}")
    x1, y1, x2, y2 = (_number(cells[key], key, where) for key in _BOX)
    return _Row(cells, (x1, y1, x2, y2), number)


def _pictures(
    rows: Sequence[_Row],
    ids: Mapping[str, int],
    folder: Path,
    *,
    sequence_pattern: str | None,
    source: Path,
) -> list[Picture]:
    """The rows by picture."""
    find_sequence = sequence_finder(sequence_pattern)
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.cells["path"], []).append(row)
    require_files([folder / name for name in grouped], source)
    pictures = []
    for number, (name, group) in enumerate(grouped.items(), 1):
        header = read_header(folder / name)
        sequences = {row.cells["sequence"] for row in group}
        if len(sequences) > 1:
            raise UserError(
                f"{source}: line {group[-1].line}: {name} is in two sequences: {shown(sequences)}"
            )
        truths = [
            GroundTruth(ids[row.cells["class"]], row.box, row.cells["ignored"] == "1", f"line {row.line}")
            for row in group
            if row.box is not None
        ]
        sequence = sequences.pop() or find_sequence(name)
        pictures.append(Picture(number, folder / name, header.width, header.height, truths, sequence))
    return pictures


def _number(text: str, key: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {key} must be a number of pixels, found {brief(text)}")
    return value
