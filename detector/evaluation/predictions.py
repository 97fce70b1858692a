"""Detections as the entries of a COCO results file, and back.

One entry per detection: {"image_id", "category_id", "bbox": [x, y, w, h] in pixels, "score"}. Coordinates are
rounded to DECIMALS; writing what was read gives the same file for pictures up to 8192 pixels wide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from detector.data.annotations import Annotations, xywh
from detector.errors import UserError
from detector.files import require_regular
from detector.structures import Detections

Entry = dict[str, Any]
"""Of a COCO results file; what is read, evaluated and written."""

DECIMALS = 3
"""Of a pixel, in the file. Coarser than float32 up to 8192 pixels, so that a round trip changes nothing."""

_LARGEST = 2**24
"""Pixels; beyond it float32 misses whole numbers."""


def predictions_json(detections: Mapping[int, Detections], annotations: Annotations) -> list[Entry]:
    """The entries of a COCO results file, images in the order of the annotations, each image's best first.

    Raises ValueError for an image id or a label that the annotations do not have.
    """
    unknown = detections.keys() - {record.image_id for record in annotations.records}
    if unknown:
        raise ValueError(f"detections of images that are not annotated, such as id {min(unknown)}")
    return [
        entry
        for record in annotations.records
        if record.image_id in detections
        for entry in image_entries(record.image_id, detections[record.image_id], annotations)
    ]


def image_entries(image_id: int, found: Detections, annotations: Annotations) -> list[Entry]:
    """The entries of one image, best first; ValueError for a label that the annotations do not have."""
    if not ((found.labels >= 0) & (found.labels < len(annotations.classes))).all():
        raise ValueError(f"image {image_id}: a detection's label is none of {annotations.classes}")
    # float64 holds the float32 values exactly, so the subtraction adds no error of its own.
    rows = zip(xywh(found.boxes).tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
    return [
        {
            "image_id": image_id,
            "category_id": annotations.category_ids[label],
            "bbox": [round(value, DECIMALS) for value in box],
            "score": score,
        }
        for box, score, label in rows
    ]


def read_predictions(file: Path, annotations: Annotations) -> list[Entry]:
    """The entries of a COCO results file as they stand there, but without what no one needs of them.

    Raises UserError, with the entry's position from 0, for a file that cannot be read, is not a list of
    entries as above, or names images or categories that the annotations do not have.
    """
    entries = _read_list(file)
    images, categories = {record.image_id for record in annotations.records}, set(annotations.category_ids)
    predictions: list[Entry] = []
    for position, entry in enumerate(entries):
        where = f"{file}: entry {position}"
        if not isinstance(entry, dict):
            raise UserError(
                f"{where} is {_show(entry)}, not an object with image_id, category_id, bbox, score"
            )
        image = _integer(entry, "image_id", where)
        if image not in images:
            raise UserError(f"{where}: image_id {image} is not in this split; predictions of another split?")
        category = _integer(entry, "category_id", where)
        if category not in categories:
            raise UserError(f"{where}: category_id {category} is none of {sorted(categories)}")
        box, score = _box(entry, where), _score(entry, where)
        predictions.append({"image_id": image, "category_id": category, "bbox": box, "score": score})
    return predictions


def detections_of(predictions: Iterable[Entry], annotations: Annotations) -> dict[int, Detections]:
    """Detections by image id, best first, equals in their given order; an image without entries has none."""
    labels = {category: label for label, category in enumerate(annotations.category_ids)}
    by_image: dict[int, list[Entry]] = {record.image_id: [] for record in annotations.records}
    for entry in predictions:
        by_image[entry["image_id"]].append(entry)
    detections = {}
    for image, entries in by_image.items():
        entries.sort(key=lambda entry: entry["score"], reverse=True)
        boxes = np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        detections[image] = Detections(
            boxes=boxes.astype(np.float32),
            scores=np.array([entry["score"] for entry in entries], np.float32),
            labels=np.array([labels[entry["category_id"]] for entry in entries], np.int64),
        )
    return detections


def _read_list(file: Path) -> list[Any]:
    """The list in a JSON file."""
    require_regular(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: cannot read predictions: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON: {error}") from error
    if not isinstance(content, list):
        raise UserError(f"{file}: holds {_show(content)}, expected a list of COCO results")
    return content


def _integer(entry: dict[str, Any], key: str, where: str) -> int:
    """A whole number from an entry; True is none."""
    value = entry.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UserError(f"{where}: {key} is {_show(value)}, expected a whole number")
    return value


def _box(entry: dict[str, Any], where: str) -> list[float]:
    """x, y, w, h from an entry."""
    value = entry.get("bbox")
    if not isinstance(value, list) or len(value) != 4 or not all(_is_number(part) for part in value):
        raise UserError(f"{where}: bbox is {_show(value)}, expected four finite numbers x, y, w, h")
    if value[2] < 0 or value[3] < 0:
        raise UserError(f"{where}: bbox {value} has a negative width or height; it must be x, y, w, h")
    return [float(part) for part in value]


def _score(entry: dict[str, Any], where: str) -> float:
    """A score in [0, 1] from an entry."""
    value = entry.get("score")
    if not _is_number(value) or not 0 <= value <= 1:
        raise UserError(f"{where}: score is {_show(value)}, expected a number between 0 and 1")
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether JSON gave a number of sane size: not NaN or infinity, which Python's reader lets pass."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _show(value: Any) -> str:
    """A value for a message, short whatever it is."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
