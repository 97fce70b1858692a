"""The one internal form of a data set's truth, whatever files it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from detector.structures import IGNORE_LABEL
from detector.thermal.io.colour import REFUSE


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One picture and its truth.

    boxes [N, 4] float32: xyxy in pixels of the file, inside the frame, each with an area above zero.
    labels [N] int64: index into Annotations.classes, or IGNORE_LABEL where no class is meant.
    ignored [N] bool: a region to leave out of loss and evaluation, not an object.
    sequence: the recording the frame belongs to, where known; frames of one recording resemble each other,
    so splits must keep it whole.
    stored [M, 4] float64: the boxes as the files have them, before clipping and dropping; None where they are
    not kept.
    colour: how the picture is read where it is in false colours, of detector.thermal.io.colour.WAYS.
    unit: what its numbers mean where they are no counts, of detector.thermal.io.temperatures.UNITS; None: by
    their values.
    names: other ids that results of other programs may call the picture by: words, or those of its copies.
    """

    image_id: int
    path: Path
    width: int
    height: int
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray
    sequence: str | None
    stored: np.ndarray | None = None
    colour: str = REFUSE
    unit: str | None = None
    names: tuple[str, ...] = ()

    @property
    def real(self) -> np.ndarray:
        """[N] bool: objects that count, not regions to ignore."""
        return ~self.ignored & (self.labels != IGNORE_LABEL)


@dataclass(frozen=True, eq=False)
class Annotations:
    """A split: class names in label order, its pictures, and each class's id in the source file.

    Classes merged from several have the smallest of their ids (see detector.data.classes).
    """

    classes: tuple[str, ...]
    records: tuple[ImageRecord, ...]
    category_ids: tuple[int, ...]

    def object_counts(self) -> np.ndarray:
        """[K] int64: objects of each class, ignored regions left out."""
        labels = [record.labels[record.real] for record in self.records]
        return np.bincount(np.concatenate([*labels, []]).astype(np.int64), minlength=len(self.classes))

    def told(self) -> str:
        """How many objects and regions to ignore it has, in words."""
        regions = sum(int(record.ignored.sum()) for record in self.records)
        return f"{self.object_counts().sum()} objects, {regions} regions to ignore"


def xywh(boxes: np.ndarray) -> np.ndarray:
    """float64 left, top, width, height, as COCO's tools take them, of boxes xyxy [N, 4]."""
    corners = boxes.astype(np.float64)
    return np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)


class Source(Protocol):
    """A data set on disk."""

    def splits(self) -> tuple[str, ...]:
        """Names of the splits that exist."""
        ...

    def load(self, split: str) -> Annotations:
        """One split. Raises UserError where it is missing, empty or malformed."""
        ...
