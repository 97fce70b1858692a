"""How programs lay detections out in a JSON file: one after the other, or image by image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from detector.errors import UserError

_NAMED_CORNERS = ("x1", "y1", "x2", "y2")
_LISTS = ("annotations", "predictions", "detections", "results", "objects")
CORNERS = ("xyxy",)
"""Names that say what the numbers are."""
BOXES = ("bbox", "box", "boxes", "bboxes", *CORNERS)
SCORES = ("score", "scores", "confidence", "confidences", "conf")
CLASSES = (
    "category_id",
    "category",
    "class",
    "class_name",
    "label",
    "labels",
    "classes",
    "category_ids",
    "class_id",
    "name",
)
NAMES = ("file_name", "filename", "image_path", "path", "source", "image", "image_name")
IDS = ("image_id", "img_id", "imageId")


class Raw(NamedTuple):
    """A detection as it stands there. corners: the form says that its box is x1, y1, x2, y2."""

    where: str
    entry: Mapping[str, Any]
    corners: bool


def detections(content: Any, file: Path) -> Iterator[Raw]:
    """Of a file's content, whatever its form, in order. Raises UserError for none of the forms."""
    if isinstance(content, list):
        for position, item in enumerate(content):
            yield from _of_item(item, f"{file}: entry {position}")
        return
    known = content if isinstance(content, dict) else {}
    if isinstance(known.get("frames"), list):
        for position, frame in enumerate(known["frames"]):
            for raw in _of_item(frame, f"{file}: frame {position}"):
                yield raw._replace(corners=True)
        return
    key = next((key for key in _LISTS if isinstance(known.get(key), list)), None)
    if key is not None:
        names = _file_names(known.get("images"))
        for raw in detections(known[key], file):
            image = raw.entry.get("image_id")
            name = names.get(image) if isinstance(image, str | int) else None
            yield raw if name is None else raw._replace(entry={"file_name": name, **raw.entry})
        return
    if not known or not all(isinstance(value, dict | list) for value in known.values()):
        raise UserError(f"{file}: holds {shown(content)}, expected a list of COCO results")
    for name, value in known.items():
        record = value if isinstance(value, dict) else {"detections": value}
        yield from _of_item({**record, "file_name": name}, f"{file}: {shown(name)}")


def _file_names(images: Any) -> dict[str | int, str]:
    """By id, of a COCO document's own images."""
    return {
        image["id"]: image["file_name"]
        for image in (images if isinstance(images, list) else [])
        if isinstance(image, dict)
        and isinstance(image.get("id"), str | int)
        and isinstance(image.get("file_name"), str)
    }


def _of_item(item: Any, where: str) -> Iterator[Raw]:
    """One detection, or all of an image's record; named corners are told from other boxes."""
    for raw in _parts(item, where):
        box = first(raw.entry, BOXES)
        if isinstance(box, dict) and box.keys() >= set(_NAMED_CORNERS):
            raw = raw._replace(
                entry={**raw.entry, BOXES[0]: [box[key] for key in _NAMED_CORNERS]}, corners=True
            )
        yield raw


def _parts(item: Any, where: str) -> Iterator[Raw]:
    if not isinstance(item, dict):
        raise UserError(f"{where} is {shown(item)}, not an object with image_id, category_id, bbox, score")
    image = {key: item[key] for key in (*NAMES, *IDS) if key in item}
    inner = next((item[key] for key in _LISTS if isinstance(item.get(key), list)), None)
    if inner is not None:
        image.update({} if image else {"image_id": item.get("id")})
        for position, entry in enumerate(inner):
            if not isinstance(entry, dict):
                raise UserError(
                    f"{where}: object {position} is {shown(entry)}, not an object with box and score"
                )
            yield Raw(f"{where}: object {position}", {**entry, **image}, corners=False)
        return
    corners = any(key in item for key in CORNERS)
    columns = [first(item, keys) for keys in (BOXES, CLASSES, SCORES)]
    if isinstance(columns[0], list) and all(isinstance(box, list) for box in columns[0]):
        if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
            raise UserError(f"{where}: needs as many labels and scores as boxes")
        image.update({} if image else {"image_id": item.get("id")})
        for position, (box, label, score) in enumerate(zip(*columns, strict=True)):
            entry = {"bbox": box, "category_id": label, "score": score, **image}
            yield Raw(f"{where}: object {position}", entry, corners=corners)
        return
    yield Raw(where, item, corners=corners)


def first(entry: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """The value of the first of the keys that is there."""
    return next((entry[key] for key in keys if key in entry), None)


def shown(value: Any) -> str:
    """A value from the file for a message, short whatever it is."""
    return short(json.dumps(value))


def short(value: object) -> str:
    """Its text, cut where it is long."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
