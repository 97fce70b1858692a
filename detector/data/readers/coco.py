"""COCO detection files, as https://cocodataset.org/#format-data describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    MAX_SIDE,
    GroundTruth,
    Picture,
    assemble,
    brief,
    checked_name,
    sequence_finder,
    shown,
)
from detector.data.readers.files import Json, check_pattern, load_json, place_of, require_split, split_names
from detector.errors import UserError


@dataclass(frozen=True)
class CocoSource:
    """A data set of COCO files.

    root: the data set's folder. classes: which categories to learn, in label order; None takes all, by id.
    annotations, images: where a split's file and pictures lie under root; `{split}` stands for its name.
    sequence_pattern: a regular expression whose one group finds the recording in a picture's `file_name`,
    for files whose image records give no `sequence`.
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
        return split_names(Path(self.root), self.annotations)

    def load(self, split: str) -> Annotations:
        """Raises UserError as `annotations_from_coco` does, and where root or split is missing."""
        root = Path(self.root)
        file = place_of(root, self.annotations, split)
        require_split(root, file, split, self.splits())
        return annotations_from_coco(
            load_json(file),
            file,
            place_of(root, self.images, split),
            classes=self.classes,
            sequence_pattern=self.sequence_pattern,
        )


def annotations_from_coco(
    document: Json,
    file: Path,
    image_dir: Path,
    *,
    classes: Sequence[str] | None,
    classless: Sequence[str] = (),
    sequence_pattern: str | None = None,
) -> Annotations:
    """The truth in a COCO document, with every picture's presence checked.

    Boxes and classes as `assemble` takes them. `iscrowd` = 1 makes an ignored region of its class. An image
    record's `sequence`, where given, is kept; `sequence_pattern` finds that of the others. classless: names
    of categories that mark regions to ignore.
    Raises UserError on malformed or empty files, non-finite boxes, unknown classes and missing pictures.
    """
    images = section(document, "images", file)
    if not images:
        raise UserError(f"{file}: the split is empty (no images)")
    names = _names(document, file)
    categories = {key: name for key, name in names.items() if name not in classless}
    truths = _truths_by_image(document, file, names, set(categories))
    find_sequence = sequence_finder(sequence_pattern)
    pictures: dict[int, Picture] = {}
    for image in images:
        picture = _picture(image, truths, file, image_dir, find_sequence)
        if picture.image_id in pictures:
            raise UserError(f"{file}: image id {picture.image_id} is listed twice")
        pictures[picture.image_id] = picture
    strays = truths.keys() - pictures.keys()
    if strays:
        raise UserError(f"{file}: annotations name image ids that are not listed: {shown(sorted(strays))}")
    return assemble(tuple(pictures.values()), categories, classes=classes, source=file)


def section(document: Json, key: str, file: Path) -> list[Json]:
    """A list of objects in a document; UserError where there is none."""
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        found = f"found keys {_keys(document)}" if value is None else "found something else there"
        raise UserError(f"{file}: not a COCO file: '{key}' must be a list of objects; {found}")
    return value


def _names(document: Json, file: Path) -> dict[int, str]:
    """Every category's name by id."""
    names: dict[int, str] = {}
    for category in section(document, "categories", file):
        key = _whole(category, "id", f"{file}: category")
        if key in names:
            raise UserError(f"{file}: category id {key} is listed twice")
        names[key] = checked_name(
            _value(category, "name", f"{file}: category {key}"), f"{file}: category {key}"
        )
    return names


def _truths_by_image(
    document: Json, file: Path, names: dict[int, str], categories: set[int]
) -> dict[int, list[GroundTruth]]:
    """Objects by image id; those of categories that are no class have none."""
    grouped: dict[int, list[GroundTruth]] = {}
    for item in section(document, "annotations", file):
        place = f"annotation {_label(item)}"
        where = f"{file}: {place}"
        category = _whole(item, "category_id", where)
        if category not in names:
            raise UserError(
                f"{where}: unknown category_id {category}; 'categories' lists {shown(sorted(names), 100)}"
            )
        crowd = item.get("iscrowd", 0)
        if not isinstance(crowd, int | float) or crowd not in (0, 1):
            raise UserError(f"{where}: iscrowd must be 0 or 1, found {brief(crowd)}")
        truth = GroundTruth(
            category if category in categories else None, _corners(item, where), bool(crowd), place
        )
        grouped.setdefault(_whole(item, "image_id", where), []).append(truth)
    return grouped


def _picture(
    image: Json,
    truths: dict[int, list[GroundTruth]],
    file: Path,
    image_dir: Path,
    find_sequence: Callable[[str], str | None],
) -> Picture:
    image_id = _whole(image, "id", f"{file}: image")
    where = f"{file}: image {image_id}"
    name = _value(image, "file_name", where)
    if not isinstance(name, str) or not name:
        raise UserError(f"{where}: file_name must be text, found {brief(name)}")
    sequence = image.get("sequence")
    if sequence is None:
        sequence = find_sequence(name)
    elif isinstance(sequence, bool) or not isinstance(sequence, str | int):
        raise UserError(f"{where}: sequence must be text or a whole number, found {brief(sequence)}")
    return Picture(
        image_id=image_id,
        path=image_dir / name,
        width=_side(image, "width", where),
        height=_side(image, "height", where),
        truths=truths.get(image_id, ()),
        sequence=None if sequence is None else str(sequence),
    )


def _side(image: Json, key: str, where: str) -> int:
    value = _value(image, key, where)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SIDE:
        raise UserError(f"{where}: {key} must be a whole number of pixels, found {brief(value)}")
    return value


def _corners(item: Json, where: str) -> tuple[float, float, float, float]:
    """xyxy of COCO's x, y, width, height."""
    value = _value(item, "bbox", where)
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or not all(type(number) in (int, float) for number in numbers):
        raise UserError(f"{where}: bbox must be [x, y, w, h], found {brief(value)}")
    try:
        x, y, w, h = map(float, numbers)
    except OverflowError:
        raise UserError(f"{where}: bbox is too large: {brief(value)}") from None
    return x, y, x + w, y + h


def _whole(item: Json, key: str, where: str) -> int:
    """A whole number of 64 bits; True is none."""
    value = _value(item, key, where)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise UserError(f"{where} {key} {brief(value)} is not a whole number")
    return value


def _value(item: Json, key: str, where: str) -> Any:
    if key not in item:
        raise UserError(f"{where} has no '{key}'; found {_keys(item)}")
    return item[key]


def _label(item: Json) -> str:
    """How messages call an annotation: by its id, which need not be sound."""
    key = item.get("id", "?")
    if type(key) is int:
        return str(key)
    return key if isinstance(key, str) and key.isprintable() and len(key) < 60 else brief(key)


def _keys(item: Json) -> str:
    return shown((key[:40] for key in sorted(item)), 8)
