"""What a split holds, in a few words that change when it does."""

from __future__ import annotations

import hashlib
from pathlib import Path

from detector.data.annotations import Annotations


def fingerprint(annotations: Annotations) -> dict[str, str | int]:
    """frames, objects, and a digest of every record and its picture's name and size in bytes.

    Where the files lie is no part of it, so a set may be moved; their bytes are not read.
    """
    digest = hashlib.sha256(repr(annotations.classes).encode())
    for record in annotations.records:
        about = (record.image_id, record.path.name, record.width, record.height, record.sequence)
        digest.update(repr((*about, record.colour, _size(record.path))).encode())
        for values in (record.boxes, record.labels, record.ignored):
            digest.update(values.tobytes())
    return {
        "frames": len(annotations.records),
        "objects": int(annotations.object_counts().sum()),
        "digest": digest.hexdigest(),
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # reading it says what is wrong
        return -1
