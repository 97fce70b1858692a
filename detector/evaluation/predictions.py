"""Detections as the entries of a COCO results file, and back.

One entry per detection: {"image_id", "category_id", "bbox": [x, y, w, h] in pixels, "score"}. Coordinates are
rounded to DECIMALS; writing what was read gives the same file for pictures up to 8192 pixels wide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from detector.data.annotations import Annotations, xywh
from detector.files import replacing
from detector.structures import Detections

Entry = dict[str, Any]
"""Of a COCO results file; what is evaluated and written. `results_file` reads it."""

DECIMALS = 3
"""Of a pixel, in the file. Coarser than float32 up to 8192 pixels, so that a round trip changes nothing."""

_WRITTEN = 100_000
"""Entries that are made text at a time."""


@dataclass(frozen=True, eq=False)
class Entries(Sequence[Entry]):
    """D entries as arrays, a tenth of what as many dictionaries take; one is made when it is asked for.

    image_ids, category_ids [D] int64; boxes [D, 4] float64 x, y, w, h; scores [D] float64.
    """

    image_ids: np.ndarray
    category_ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Entries:
        """The same entries; those of another of these as they are."""
        if isinstance(entries, Entries):
            return entries
        count = len(entries)
        return cls(
            image_ids=np.fromiter((entry["image_id"] for entry in entries), np.int64, count),
            category_ids=np.fromiter((entry["category_id"] for entry in entries), np.int64, count),
            boxes=np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4),
            scores=np.fromiter((entry["score"] for entry in entries), np.float64, count),
        )

    @classmethod
    def joined(cls, parts: Iterable[Entries]) -> Entries:
        """All of them, one after the other."""
        every = [cls.of([]), *parts]
        return cls(*(np.concatenate([getattr(one, name) for one in every]) for name in cls.__annotations__))

    def __len__(self) -> int:
        return len(self.scores)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice | np.ndarray) -> Entries: ...
    def __getitem__(self, index: int | slice | np.ndarray) -> Entry | Entries:
        own = (self.image_ids[index], self.category_ids[index], self.boxes[index], self.scores[index])
        if isinstance(index, slice | np.ndarray):
            return Entries(*own)
        return dict(
            zip(("image_id", "category_id", "bbox", "score"), (one.tolist() for one in own), strict=True)
        )

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self), _WRITTEN):
            some = self[start : start + _WRITTEN]
            lists = (some.image_ids, some.category_ids, some.boxes, some.scores)
            for image, category, box, score in zip(*(one.tolist() for one in lists), strict=True):
                yield {"image_id": image, "category_id": category, "bbox": box, "score": score}

    def save(self, file: Path) -> None:
        """As a COCO results file, whole or not there."""
        with replacing(file) as out:
            out.write(b"[")
            for start in range(0, len(self), _WRITTEN):
                text = json.dumps(list(self[start : start + _WRITTEN]))[1:-1]
                out.write((", " * (start > 0) + text).encode())
            out.write(b"]")


def predictions_json(detections: Mapping[int, Detections], annotations: Annotations) -> Entries:
    """The entries of a COCO results file, images in the order of the annotations, each image's best first.

    Raises ValueError for an image id or a label that the annotations do not have.
    """
    ids = annotations.table.image_ids.tolist()
    unknown = detections.keys() - set(ids)
    if unknown:
        raise ValueError(f"detections of images that are not annotated, such as id {min(unknown)}")
    return Entries.joined(
        image_entries(image, detections[image], annotations) for image in ids if image in detections
    )


def image_entries(image_id: int, found: Detections, annotations: Annotations) -> Entries:
    """The entries of one image, best first; ValueError for a label that the annotations do not have."""
    if not ((found.labels >= 0) & (found.labels < len(annotations.classes))).all():
        raise ValueError(f"image {image_id}: a detection's label is none of {annotations.classes}")
    return Entries(
        image_ids=np.full(len(found.scores), image_id, np.int64),
        category_ids=np.array(annotations.category_ids, np.int64)[found.labels],
        # float64 holds the float32 values exactly, so the subtraction adds no error of its own.
        boxes=xywh(found.boxes).round(DECIMALS),
        scores=found.scores.astype(np.float64),
    )


class ByImage(Mapping[int, Detections]):
    """Detections by image id, best first, equals in their given order; an image without entries has none."""

    def __init__(self, predictions: Sequence[Entry], annotations: Annotations) -> None:
        entries = Entries.of(predictions)
        self._ids = annotations.table.image_ids.tolist()
        self._order = np.lexsort((-entries.scores, entries.image_ids))
        self._sorted = entries.image_ids[self._order]
        self._entries = entries
        self._labels = {category: label for label, category in enumerate(annotations.category_ids)}
        self._known = set(self._ids)

    def __getitem__(self, image: int) -> Detections:
        if image not in self._known:
            raise KeyError(image)
        first, last = np.searchsorted(self._sorted, (image, image + 1))
        own = self._entries[self._order[first:last]]
        boxes = own.boxes.copy()
        boxes[:, 2:] += boxes[:, :2]
        return Detections(
            boxes=boxes.astype(np.float32),
            scores=own.scores.astype(np.float32),
            labels=np.array([self._labels[key] for key in own.category_ids.tolist()], np.int64),
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def detections_of(predictions: Sequence[Entry], annotations: Annotations) -> Mapping[int, Detections]:
    """Detections by image id, see ByImage. KeyError for an entry of an image that is not there."""
    entries = Entries.of(predictions)
    strays = np.setdiff1d(entries.image_ids, annotations.table.image_ids)
    if len(strays):
        raise KeyError(int(strays[0]))
    return ByImage(entries, annotations)
