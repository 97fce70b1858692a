"""Boxes drawn on the picture that a radiometric JPEG shows, on the counts that lie beside it.

Label tools show that picture, which may have several times the pixels that the camera's detector has.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.data.readers.header import preview_header, read_header
from detector.errors import UserError

log = logging.getLogger(__name__)

JPEG = {".jpg", ".jpeg"}
SAME_SHAPE = 0.01
"""How far the two ratios of width to height may differ, by rounding."""


def on_counts(splits: Sequence[Annotations]) -> list[Annotations]:
    """The splits with the boxes and sizes of records that are of the preview scaled to the counts.

    One warning says how many there are. Files that cannot be read are passed over.
    """
    moved: list[tuple[ImageRecord, ImageRecord]] = []
    whole = []
    for split in splits:
        paths = split.table.paths
        scaled = {
            index: (record, other)
            for index in range(len(paths))
            if os.path.splitext(paths[index])[1].lower() in JPEG
            and (other := _on_counts(record := split.records[index])) is not record
        }
        moved += scaled.values()
        if scaled:
            split = replace(
                split, records=[scaled[i][1] if i in scaled else one for i, one in enumerate(split.records)]
            )
        whole.append(split)
    if moved:
        before, after = moved[0]
        log.warning(
            "the boxes of %d radiometric JPEGs are of the picture that they show (%dx%d in %s), not of the "
            "raw counts (%dx%d): scaled to these",
            len(moved),
            before.width,
            before.height,
            before.path.name,
            after.width,
            after.height,
        )
    return whole


def _on_counts(record: ImageRecord) -> ImageRecord:
    counted = _size_of_counts(record)
    if counted is None:
        return record
    width, height = counted
    across, down = width / record.width, height / record.height
    if abs(across / down - 1) > SAME_SHAPE:
        return record  # not the same picture: told when it is read
    factors = np.array([across, down, across, down])
    return replace(
        record,
        width=width,
        height=height,
        boxes=(record.boxes * factors).astype(np.float32),
        stored=None if record.stored is None else record.stored * factors,
    )


def _size_of_counts(record: ImageRecord) -> tuple[int, int] | None:
    """(width, height) of what is read where that differs from the record's, and what is shown does not."""
    try:
        read = read_header(record.path)
        if (read.width, read.height) == (record.width, record.height):
            return None
        shown = preview_header(record.path)
    except UserError:
        return None
    same = (shown.width, shown.height) == (record.width, record.height)
    return (read.width, read.height) if same else None
