"""What a split holds, in a few words that change when it does."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence

import numpy as np

from detector.data.annotations import Annotations


def fingerprint(
    annotations: Annotations, *, false_alarms: Sequence[int] | None = None
) -> dict[str, str | int]:
    """frames, objects, and a digest of every record and its picture's name and size in bytes.

    false_alarms: of each picture, where they decide how often it is shown: has a digest of its own.
    Where the files lie is no part of it, so a set may be moved; their bytes are not read.
    """
    digest = hashlib.sha256(repr(annotations.classes).encode())
    table = annotations.table
    ids, sizes, cuts = table.image_ids.tolist(), table.sizes.tolist(), table.cuts.tolist()
    truths = [_bytes_by_row(values) for values in (table.boxes, table.labels, table.ignored)]
    for i, path in enumerate(table.paths):
        about = (ids[i], os.path.basename(path), *sizes[i], table.sequences[i], table.colours[i], _size(path))
        digest.update(repr(about).encode())
        for values in truths:
            digest.update(values[cuts[i] : cuts[i + 1]].data)
    words: dict[str, str | int] = {
        "frames": len(table),
        "objects": int(annotations.object_counts().sum()),
        "digest": digest.hexdigest(),
    }
    if false_alarms is not None:
        words["false_alarms"] = hashlib.sha256(np.array(false_alarms, "<i8").tobytes()).hexdigest()
    return words


def _bytes_by_row(values: np.ndarray) -> np.ndarray:
    """[N, bytes] uint8, without a copy of each row."""
    size = values.itemsize * math.prod(values.shape[1:])  # -1 would not do for no rows
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), size)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # reading it says what is wrong
        return -1
