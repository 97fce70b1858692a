"""The one internal form of a data set's truth, whatever files it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from detector.data.records import ImageRecord, Records

__all__ = ["Annotations", "ImageRecord", "Source", "xywh"]


@dataclass(frozen=True, eq=False)
class Annotations:
    """A split: class names in label order, its pictures, and each class's id in the source file.

    Classes merged from several have the smallest of their ids (see detector.data.classes). records: any
    sequence; it is held as arrays, see detector.data.records.
    """

    classes: tuple[str, ...]
    records: Sequence[ImageRecord]
    category_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.records, Records):
            object.__setattr__(self, "records", Records.of(self.records))

    @property
    def table(self) -> Records:
        """The records as arrays."""
        return cast(Records, self.records)

    def object_counts(self) -> np.ndarray:
        """[K] int64: objects of each class, ignored regions left out."""
        return np.bincount(self.table.labels[self.table.real], minlength=len(self.classes))

    def told(self) -> str:
        """How many objects and regions to ignore it has, in words."""
        return f"{self.object_counts().sum()} objects, {self.table.ignored.sum()} regions to ignore"


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
