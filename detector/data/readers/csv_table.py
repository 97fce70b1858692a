"""Tables of boxes, one row for each object, as `csv_rows` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    GroundTruth,
    Picture,
    assemble,
    require_files,
    sequence_finder,
    shown,
)
from detector.data.readers.csv_rows import Row, Rows, read_rows
from detector.data.readers.files import SPLIT, check_pattern, place_of, require_split, split_names
from detector.data.readers.header import read_header
from detector.data.readers.labelled import Labelled, Shape, scaled
from detector.data.readers.picture_folder import PictureFolder
from detector.errors import UserError


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
        return tuple(sorted({row.cells["split"] for row in read_rows(file).rows})) if file.is_file() else ()

    def load(self, split: str) -> Annotations:
        """The split's truth; images are numbered from 1 as they come, classes from 1 by alphabet.

        Boxes and classes as `assemble` takes them. Raises UserError on malformed tables, and where root,
        split or pictures are missing.
        """
        root = Path(self.root)
        file = place_of(root, self.annotations, split)
        require_split(root, file, split, self.splits() if self._by_file() else ())
        if self._by_file():
            files = {name: place_of(root, self.annotations, name) for name in {split, *self.splits()}}
            tables = {name: read_rows(file) for name, file in files.items()}
            table = tables[split]
        else:
            tables = {split: read_rows(file)}
            rows = tuple(row for row in tables[split].rows if row.cells["split"] == split)
            if not rows:
                raise UserError(
                    f"{file}: no row of split '{split}'; splits found: {shown(self.splits(), 20)}"
                )
            table = tables[split]._replace(rows=rows)
        names = sorted({row.label for table in tables.values() for row in table.rows if row.box is not None})
        folder = PictureFolder(place_of(root, self.images, split), root, key="data.source.images")
        pictures = _pictures(
            table,
            {name: key for key, name in enumerate(names, 1)},
            folder,
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
    table = read_rows(file)
    grouped: dict[str, list[Row]] = {}
    for row in table.rows:
        grouped.setdefault(row.cells["path"], []).append(row)
    found = []
    for name, group in grouped.items():
        where = f"{file}: line {group[0].line}"
        for key in ("split", "sequence"):
            values = {row.cells[key] for row in group}
            if len(values) > 1:
                raise UserError(f"{where}: {name} is in two {key}s: {shown(sorted(values))}")
        shapes = [
            Shape(row.label, row.box, f"line {row.line}", row.cells["ignored"] == "1")
            for row in group
            if row.box is not None
        ]
        first = group[0].cells
        sequence = first["sequence"] or None
        image = Labelled(name, None, shapes, where, sequence, shares=table.shares)
        found.append((first["split"], image))
    return found


def _pictures(
    table: Rows,
    ids: Mapping[str, int],
    folder: PictureFolder,
    *,
    sequence_pattern: str | None,
    source: Path,
) -> list[Picture]:
    """The rows by picture."""
    find_sequence = sequence_finder(sequence_pattern)
    grouped: dict[Path, list[Row]] = {}
    for row in table.rows:
        path = folder.path(row.cells["path"], f"{source}: line {row.line}")
        grouped.setdefault(path, []).append(row)
    require_files(list(grouped), source, remedy=folder.if_missing)
    pictures = []
    for number, (path, group) in enumerate(grouped.items(), 1):
        header = read_header(path)
        sequences, last = {row.cells["sequence"] for row in group}, group[-1]
        if len(sequences) > 1:
            raise UserError(
                f"{source}: line {last.line}: {last.cells['path']} is in two sequences: {shown(sequences)}"
            )
        sides = (header.width, header.height) if table.shares else (1, 1)
        truths = [
            GroundTruth(
                ids[row.label], scaled(row.box, *sides), row.cells["ignored"] == "1", f"line {row.line}"
            )
            for row in group
            if row.box is not None
        ]
        sequence = sequences.pop() or find_sequence(group[0].cells["path"])
        pictures.append(Picture(number, path, header.width, header.height, truths, sequence))
    return pictures
