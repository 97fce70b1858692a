"""labelme's JSON: one file for each picture.

Checked against files of labelme. `imagePath` names the picture, `shapes` hold `label`, `shape_type` and
`points` in pixels from 0: two opposite corners of a rectangle or mask, the outline of a polygon, centre and a
point of a circle. Of all the surrounding box is taken; lines and points are left out with one warning.
`imageData`, the picture again, is passed over. A picture without a file is not labelled; one whose file has
no shape has no object.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.data.annotations import Annotations
from detector.data.readers.assemble import brief, checked_name, sequence_finder
from detector.data.readers.files import (
    Json,
    check_pattern,
    load_json,
    pictures_under,
    place_of,
    require_split,
    split_names,
)
from detector.data.readers.labelled import Box, Labelled, Shape, around, assemble_labelled, names_in
from detector.data.readers.lookup import pictures_in
from detector.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelmeSource:
    """A data set of labelme's files.

    root: the data set's folder. classes: which names to learn, in label order; None takes all that stand in
    the files of any split, by alphabet. annotations: the split's folder under root with the JSON files,
    `{split}` standing for its name. images: the folder that holds the pictures, which are found by the ends
    of their names. sequence_pattern: a regular expression whose one group finds the recording in a picture's
    path under `images`.
    """

    root: Path | str
    classes: Sequence[str] | None
    annotations: str
    images: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        check_pattern("annotations", self.annotations)
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        """Names of the folders with JSON files."""
        root = Path(self.root)
        names = split_names(root, self.annotations, folders=True)
        return tuple(name for name in names if _files(place_of(root, self.annotations, name)))

    def load(self, split: str) -> Annotations:
        """The split's truth, pictures numbered from 1 in the order of their files.

        Raises UserError on malformed files, and on missing or ambiguous pictures.
        """
        root = Path(self.root)
        place = place_of(root, self.annotations, split)
        require_split(root, place, split, self.splits())
        folders = {name: place_of(root, self.annotations, name) for name in {split, *self.splits()}}
        read = {name: read_labelme(_files(folder), folder) for name, folder in folders.items()}
        folder = place_of(root, self.images, split)
        return assemble_labelled(
            read[split],
            pictures_in(folder, pictures_under(folder)),
            names=names_in(image for images in read.values() for image in images),
            classes=self.classes,
            source=place,
            find_sequence=sequence_finder(self.sequence_pattern),
        )


def read_labelme(files: Sequence[Path], root: Path) -> list[Labelled]:
    """The pictures of some files, by their names under `root`, where the files lie.

    Raises UserError on what is no such file, and on shapes that cannot be.
    """
    left_out: Counter[str] = Counter()
    labelled = [_read(file, root, left_out) for file in files]
    if left_out:
        told = ", ".join(f"{count} {kind}" for kind, count in left_out.items())
        log.warning("%s: shapes that surround nothing left out: %s", root, told)
    return labelled


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.json") if not file.name.startswith("."))


def _read(file: Path, root: Path, left_out: Counter[str]) -> Labelled:
    document = load_json(file)
    shapes = document.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise UserError(
            f"{file}: not labelme's JSON: 'shapes' must be a list of objects, found {brief(shapes)}"
        )
    name = document.get("imagePath")
    if not isinstance(name, str) or not name:
        raise UserError(f"{file}: imagePath must be text, found {brief(name)}")
    found = []
    for count, shape in enumerate(shapes, 1):
        where = f"{file}: shape {count}"
        box = _box(shape, where)
        if box is None:
            left_out[str(shape.get("shape_type"))[:40]] += 1
        else:
            found.append(Shape(checked_name(shape.get("label"), where), box, f"{file.name} shape {count}"))
    sides = document.get("imageWidth"), document.get("imageHeight")
    size = (sides[0], sides[1]) if type(sides[0]) is int and type(sides[1]) is int else None
    # The folder of the file and the picture's own name: labelme finds ../images/x.png from the file as well.
    folder = file.relative_to(root).parent.as_posix()
    last = name.replace("\\", "/").rpartition("/")[2]
    return Labelled(f"{folder}/{last}", size, found, str(file))


def _box(shape: Json, where: str) -> Box | None:
    """xyxy around a shape; None where it surrounds nothing."""
    kind = shape.get("shape_type") or "polygon"
    if kind not in ("rectangle", "polygon", "circle", "mask", "oriented_rectangle"):
        return None
    points = _points(shape.get("points"), where)
    if kind == "circle":
        if len(points) != 2:
            raise UserError(f"{where}: a circle has 2 points, found {len(points)}")
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        return x - radius, y - radius, x + radius, y + radius
    return around(points)


def _points(value: Any, where: str) -> list[tuple[float, float]]:
    def is_point(item: Any) -> bool:
        return isinstance(item, list) and len(item) == 2 and all(type(x) in (int, float) for x in item)

    if not isinstance(value, list) or not value or not all(map(is_point, value)):
        raise UserError(f"{where}: points must be a list of [x, y], found {brief(value)}")
    try:
        return [(float(x), float(y)) for x, y in value]
    except OverflowError:
        raise UserError(f"{where}: points are too large: {brief(value)}") from None
