"""YOLO text labels: one file for each picture, one line for each object.

Checked against the format's description at docs.ultralytics.com/datasets/detect and .../segment: a line is
`class cx cy w h`, shares of the picture's width and height, class counted from 0; or `class x1 y1 x2 y2 ...`,
an outline of at least three points, of which the surrounding box is taken (also four corners, as of turned
boxes). Pictures lie under images/, labels of the same name under labels/; an empty or missing label file is
a picture without objects. Class names stand in data.yaml under `names`, as a list or by number.
Some tools write the class as 3.0.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    GroundTruth,
    Picture,
    assemble,
    brief,
    checked_name,
    sequence_finder,
    shown,
)
from detector.data.readers.files import (
    check_pattern,
    picture_names,
    place_of,
    read_text,
    require_split,
    split_names,
)
from detector.data.readers.header import read_header
from detector.errors import UserError

log = logging.getLogger(__name__)

LIMIT_MIB = 8
LARGEST_SHARE = 2.0
"""Above it a coordinate is one in pixels; up to it a box reaches out of the picture and is clipped."""


@dataclass(frozen=True)
class YoloSource:
    """A data set of YOLO text labels.

    root: the data set's folder. classes: which names to learn, in label order; None takes all, by number.
    images, labels: folders under root; `{split}` stands for the split's name. names: the file under root with
    the class names: YAML with a `names` entry, or text with a name per line.
    sequence_pattern: a regular expression whose one group finds the recording in a picture's path under its
    `images` folder, without suffix.
    """

    root: Path | str
    classes: Sequence[str] | None
    images: str
    labels: str
    names: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        check_pattern("images", self.images)
        check_pattern("labels", self.labels)
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        return split_names(Path(self.root), self.images, folders=True)

    def load(self, split: str) -> Annotations:
        """The split's truth; images are numbered from 1 in the order of their paths, classes from 0.

        Boxes and classes as `assemble` takes them. Raises UserError on malformed files, where root, split or
        names are missing, and where not one picture has a label file.
        """
        root = Path(self.root)
        folder, labels = (place_of(root, pattern, split) for pattern in (self.images, self.labels))
        require_split(root, folder, split, self.splits())
        names = read_names(root / self.names)
        pictures = picture_names(folder)
        _require_labels(pictures, labels, folder)
        find_sequence = sequence_finder(self.sequence_pattern)
        files = {name: labels / f"{name}.txt" for name in pictures}
        return read_yolo(
            pictures, files, source=folder, names=names, classes=self.classes, find_sequence=find_sequence
        )


def read_yolo(
    pictures: Mapping[str, Path],
    files: Mapping[str, Path],
    *,
    source: Path,
    names: Mapping[int, str],
    classes: Sequence[str] | None,
    find_sequence: Callable[[str], str | None],
) -> Annotations:
    """The truth of pictures given by name, from label files by the same names, which may be missing.

    names: classes by number. Images are numbered from 1 in the order given. Boxes and classes as `assemble`
    takes them. Raises UserError on malformed files.
    """
    found = []
    for number, (name, path) in enumerate(pictures.items(), 1):
        header = read_header(path)
        truths = _truths(files[name], names, header.width, header.height)
        found.append(Picture(number, path, header.width, header.height, truths, find_sequence(name)))
    return assemble(found, names, classes=classes, source=source)


def read_names(file: Path) -> dict[int, str]:
    """Class names by number, from data.yaml or from a text file with a name per line."""
    text = read_text(file, limit_mib=LIMIT_MIB)
    if file.suffix.lower() not in (".yaml", ".yml"):
        lines = (line.strip() for line in text.splitlines())
        return {key: checked_name(line, str(file)) for key, line in enumerate(filter(None, lines))}
    entry = _names_entry(text, file)
    pairs = enumerate(entry) if isinstance(entry, list) else entry.items()
    names: dict[int, str] = {}
    for key, name in pairs:
        number = _class_number(str(key))
        if number is None or number in names:
            raise UserError(f"{file}: names: {brief(key)} is no number of a class, or is given twice")
        names[number] = checked_name(name, f"{file}: names: {number}")
    return names


def _names_entry(text: str, file: Path) -> list[Any] | dict[Any, Any]:
    """What stands under `names`."""
    try:
        # Every scalar stays a text, so that a class may be called `no`, and no tag builds anything.
        document = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise UserError(f"{file}: not a readable YAML file: {' '.join(str(error).split())}") from None
    entry = document.get("names") if isinstance(document, dict) else None
    if not isinstance(entry, list | dict):
        raise UserError(f"{file}: needs 'names', a list or numbers with names; found {brief(entry)}")
    if "kpt_shape" in document:
        raise UserError(f"{file}: labels with keypoints (kpt_shape) are not read; export boxes")
    return entry


def _require_labels(pictures: Mapping[str, Path], labels: Path, folder: Path) -> None:
    """Raises UserError where no picture has a label file, and warns of label files without picture."""
    written = {file.relative_to(labels).with_suffix("").as_posix() for file in labels.rglob("*.txt")}
    if pictures and not written & pictures.keys():
        raise UserError(f"{folder}: none of its {len(pictures)} pictures has a label file under {labels}")
    strays = written - pictures.keys() - {"classes"}  # LabelImg writes classes.txt beside the labels
    if strays:
        log.warning(
            "%s: %d label files belong to no picture: %s", labels, len(strays), shown(sorted(strays), 3)
        )


def _truths(file: Path, names: Mapping[int, str], width: int, height: int) -> list[GroundTruth]:
    """The objects in a label file; none where it is missing."""
    if not file.exists():
        return []
    truths = []
    for count, line in enumerate(read_text(file, limit_mib=LIMIT_MIB).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        where = f"{file}: line {count}"
        category = _class_number(words[0])
        if category not in names:
            raise UserError(
                f"{where}: unknown class {brief(words[0])}; names has {shown(sorted(names), 100)}"
            )
        left, top, right, bottom = _shares([_share(word, where) for word in words[1:]], where)
        box = (left * width, top * height, right * width, bottom * height)
        truths.append(GroundTruth(category, box, False, f"{file.name} line {count}"))
    return truths


def _class_number(text: str) -> int | None:
    """A class's number, also where it is written 3.0; None for anything else."""
    digits = text.removesuffix(".0")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _share(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST_SHARE:
        raise UserError(f"{where}: {brief(text)} is no share of the picture's side (0 to 1)")
    return value


def _shares(values: Sequence[float], where: str) -> tuple[float, float, float, float]:
    """xyxy of a box by its centre, or of the box around an outline."""
    if len(values) == 4:
        cx, cy, w, h = values
        return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[0::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise UserError(
        f"{where}: {1 + len(values)} values; a box has 5 (class cx cy w h), an outline an odd number from 7"
    )
