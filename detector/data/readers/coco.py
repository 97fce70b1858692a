"""COCO detection files, as https://cocodataset.org/#format-data describes them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.errors import UserError
from detector.structures import IGNORE_LABEL

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True)
class CocoSource:
    """A data set of COCO files.

    root: the data set's folder. classes: which categories to learn, in label order; None takes all, by id.
    annotations, images: where a split's file and pictures lie under root; `{split}` stands for its name.
    """

    root: Path | str
    classes: Sequence[str] | None = None
    annotations: str = "annotations/{split}.json"
    images: str = "{split}"

    def __post_init__(self) -> None:
        if "{split}" not in self.annotations:
            raise UserError(f"data annotations '{self.annotations}': needs '{{split}}' for the split's name")

    def splits(self) -> tuple[str, ...]:
        root = Path(self.root)
        pattern = re.compile(re.escape(self.annotations).replace(re.escape("{split}"), "(.+)"))
        files = (file.relative_to(root).as_posix() for file in root.glob(self.annotations.format(split="*")))
        return tuple(sorted(match[1] for match in map(pattern.fullmatch, files) if match))

    def load(self, split: str) -> Annotations:
        """Raises UserError as `read_coco` does, and where root or split is missing."""
        root = Path(self.root)
        file = root / self.annotations.format(split=split)
        require_split(root, file, split, self.splits())
        return read_coco(file, root / self.images.format(split=split), classes=self.classes)


def read_coco(
    annotation_file: Path | str, image_dir: Path | str, *, classes: Sequence[str] | None = None
) -> Annotations:
    """The truth in a COCO file, with every picture's presence checked.

    Boxes are clipped to the frame; those without area (before or after) are dropped with one warning that
    counts them. `iscrowd` = 1 makes an ignored region of its class. Objects of classes that `classes` leaves
    out are dropped. An image record's `sequence`, where given, is kept.
    Raises UserError on malformed or empty files, non-finite boxes, unknown classes and missing pictures.
    """
    file = Path(annotation_file)
    return annotations_from_coco(load_json(file), file, Path(image_dir), classes=classes)


def require_split(root: Path, file: Path, split: str, available: Sequence[str]) -> None:
    """Raises UserError unless root is a folder and holds the split's annotation file."""
    if not root.is_dir():
        raise UserError(f"data root {root}: no such folder; give the folder the data set was unpacked to")
    if not file.is_file():
        found = (
            f"splits found: {', '.join(available)}" if available else "no split found: wrong layout or root?"
        )
        raise UserError(f"data split '{split}': {file} does not exist; {found}")


def load_json(file: Path) -> Json:
    """The object in a JSON file; UserError where there is none."""
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{file}: no such annotation file") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{file}: not a readable JSON file: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{file}: expected a JSON object, found {type(document).__name__}")
    return document


def annotations_from_coco(
    document: Json,
    file: Path,
    image_dir: Path,
    *,
    classes: Sequence[str] | None = None,
    classless: Sequence[str] = (),
) -> Annotations:
    """As `read_coco`, from a parsed document; `classless` names categories that mark regions to ignore."""
    if not _section(document, "images", file):
        raise UserError(f"{file}: the split is empty (no images)")
    names = {
        _value(category, "id", file, "category"): _value(category, "name", file, "category")
        for category in _section(document, "categories", file)
    }
    ignore_ids = {key for key, name in names.items() if name in classless}
    category_ids = _select(names, classes, ignore_ids, file)
    label_of = {key: label for label, key in enumerate(category_ids)} | dict.fromkeys(
        ignore_ids, IGNORE_LABEL
    )
    objects = _objects_by_image(document, file, set(names))
    dropped: list[int] = []
    records = tuple(
        _record(image, objects.pop(image["id"], []), label_of, file, image_dir, dropped)
        for image in _unique_images(document, file)
    )
    if objects:
        raise UserError(f"{file}: annotations name image ids that are not listed: {shown(objects)}")
    if dropped:
        log.warning(
            "%s: %d boxes without area in the frame dropped (annotation ids %s)",
            file,
            len(dropped),
            shown(dropped),
        )
    _require_files(records, file)
    return Annotations(tuple(names[key] for key in category_ids), records, category_ids)


def shown(items: Iterable[object], limit: int = 5) -> str:
    """The first few items, and how many there are more."""
    texts = [str(item) for item in items]
    more = f", ... ({len(texts)} in all)" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def _section(document: Json, key: str, file: Path) -> list[Json]:
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        found = f"found keys {shown(sorted(document), 8)}" if value is None else "found something else there"
        raise UserError(f"{file}: not a COCO file: '{key}' must be a list of objects; {found}")
    return value


def _value(item: Json, key: str, file: Path, kind: str) -> Any:
    if key not in item:
        raise UserError(
            f"{file}: {kind} {item.get('id', '?')} has no '{key}'; found {shown(sorted(item), 8)}"
        )
    return item[key]


def _select(
    names: dict[int, str], classes: Sequence[str] | None, ignore_ids: set[int], file: Path
) -> tuple[int, ...]:
    """Category ids in label order."""
    by_name = {names[key]: key for key in sorted(names) if key not in ignore_ids}
    if len(by_name) != len(names) - len(ignore_ids):
        raise UserError(f"{file}: two categories have the same name: {shown(sorted(names.values()), 20)}")
    if isinstance(classes, str):
        raise UserError(f"classes: must be a list of names, found the text '{classes}'; write [{classes}]")
    wanted = list(by_name) if classes is None else list(classes)
    if not wanted:
        raise UserError(f"{file}: no class to learn; available: {shown(by_name, 100)}")
    for name in wanted:
        if name not in by_name:
            raise UserError(f"{file}: unknown class '{name}'; available: {shown(by_name, 100)}")
    if len(set(wanted)) != len(wanted):
        raise UserError(f"classes: a name is given twice: {', '.join(wanted)}")
    return tuple(by_name[name] for name in wanted)


def _unique_images(document: Json, file: Path) -> list[Json]:
    images = _section(document, "images", file)
    seen: set[int] = set()
    for image in images:
        image_id = _value(image, "id", file, "image")
        if not isinstance(image_id, int):
            raise UserError(f"{file}: image id {image_id!r} is not a whole number")
        if image_id in seen:
            raise UserError(f"{file}: image id {image_id} is listed twice")
        seen.add(image_id)
    return images


def _objects_by_image(document: Json, file: Path, category_ids: set[int]) -> dict[int, list[Json]]:
    grouped: dict[int, list[Json]] = {}
    for item in _section(document, "annotations", file):
        category = _value(item, "category_id", file, "annotation")
        if category not in category_ids:
            raise UserError(
                f"{file}: annotation {item.get('id', '?')}: unknown category_id {category}; "
                f"'categories' lists {shown(sorted(category_ids), 100)}"
            )
        grouped.setdefault(_value(item, "image_id", file, "annotation"), []).append(item)
    return grouped


def _record(
    image: Json, items: list[Json], label_of: dict[int, int], file: Path, image_dir: Path, dropped: list[int]
) -> ImageRecord:
    """One image's truth; ids of boxes without area are added to `dropped`."""
    width, height = (_size(image, key, file) for key in ("width", "height"))
    boxes, labels, ignored = [], [], []
    for item in items:
        if item["category_id"] not in label_of:
            continue
        box = _clipped_box(item, width, height, file)
        if box[2] <= box[0] or box[3] <= box[1]:
            dropped.append(item.get("id", -1))
            continue
        label = label_of[item["category_id"]]
        boxes.append(box)
        labels.append(label)
        ignored.append(bool(item.get("iscrowd", 0)) or label == IGNORE_LABEL)
    sequence = image.get("sequence")
    return ImageRecord(
        image_id=image["id"],
        path=image_dir / _value(image, "file_name", file, "image"),
        width=width,
        height=height,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        ignored=np.array(ignored, bool),
        sequence=None if sequence is None else str(sequence),
    )


def _size(image: Json, key: str, file: Path) -> int:
    value = _value(image, key, file, "image")
    if not isinstance(value, int) or value <= 0:
        raise UserError(
            f"{file}: image {image['id']}: {key} must be a whole number of pixels, found {value!r}"
        )
    return value


def _clipped_box(item: Json, width: int, height: int, file: Path) -> np.ndarray:
    """float32 xyxy inside the frame of COCO's x, y, width, height; without area where that had none."""
    value = _value(item, "bbox", file, "annotation")
    try:
        x, y, w, h = (float(number) for number in value)
    except (TypeError, ValueError):
        raise UserError(
            f"{file}: annotation {item.get('id')}: bbox must be [x, y, w, h], found {value}"
        ) from None
    box = np.array((x, y, x + w, y + h), np.float64)
    if not np.isfinite(box).all():
        raise UserError(f"{file}: annotation {item.get('id')}: bbox is not finite: {value}")
    return np.clip(box, 0, (width, height, width, height)).astype(np.float32)


def _require_files(records: Sequence[ImageRecord], file: Path) -> None:
    missing = [record.path for record in records if not record.path.is_file()]
    if missing:
        raise UserError(
            f"{file}: {len(missing)} of {len(records)} image files are missing: {shown(missing, 3)}"
        )
