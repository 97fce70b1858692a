"""What a split holds, in a few words that change when it does."""

from __future__ import annotations

import hashlib
import os

import numpy as np

from detector.data.annotations import Annotations


def fingerprint(annotations: Annotations) -> dict[str, str | int]:
    """frames, objects, and a digest of every record and its picture's name and size in bytes.

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
    return {
        "frames": len(table),
        "objects": int(annotations.object_counts().sum()),
        "digest": digest.hexdigest(),
    }


def _bytes_by_row(values: np.ndarray) -> np.ndarray:
    """[N, bytes] uint8, without a copy of each row."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # reading it says what is wrong
        return -1
