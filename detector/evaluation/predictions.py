"""Detections as the entries of a COCO results file, and back.

One entry per detection: {"image_id", "category_id", "bbox": [x, y, w, h] in pixels, "score"}. Coordinates are
rounded to DECIMALS; writing what was read gives the same file for pictures up to 8192 pixels wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from detector.data.annotations import Annotations, xywh
from detector.structures import Detections

Entry = dict[str, Any]
"""Of a COCO results file; what is evaluated and written. `results_file` reads it."""

DECIMALS = 3
"""Of a pixel, in the file. Coarser than float32 up to 8192 pixels, so that a round trip changes nothing."""


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
