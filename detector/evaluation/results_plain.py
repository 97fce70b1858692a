"""COCO results of the usual form, gigabytes of them, a piece at a time.

A list of {"image_id", "category_id", "bbox", "score"} with numbers throughout, as every program writes it.
Any other file is for results_file.py, which looks at every entry as Python's and says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import msgspec
import numpy as np

from detector.data.annotations import Annotations
from detector.evaluation.predictions import Entries

LARGEST = 2**24
"""Pixels; beyond it float32 misses whole numbers."""

_PIECE = 2**24
"""Bytes decoded at a time."""


_BLANK = re.compile(rb"[ \t\n\r]*")
_OPENING = re.compile(rb"[ \t\n\r]*\[[ \t\n\r]*")


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    score: float


def read_plain_results(data: bytes, annotations: Annotations) -> Entries | None:
    """The entries with their boxes as they stand there; None where anything is out of the ordinary."""
    decoder = msgspec.json.Decoder(list[_Plain])
    try:
        found = Entries.joined(_as_arrays(decoder.decode(piece)) for piece in _pieces(data))
    except (ValueError, OverflowError):  # msgspec's errors are ValueErrors
        return None
    known = (
        np.isin(found.image_ids, annotations.table.image_ids).all()
        and np.isin(found.category_ids, np.array(annotations.category_ids, np.int64)).all()
        and (np.abs(found.boxes) <= LARGEST).all()
        and ((found.scores >= 0) & (found.scores <= 1)).all()
    )
    return found if known else None


def _pieces(data: bytes) -> Iterator[bytes]:
    """The list in lists of some megabytes. Cut behind objects: where one is no flat object of numbers, the
    pieces are no JSON."""
    opening, end = _OPENING.match(data), data.rfind(b"]")
    if opening is None or _blank(data, end + 1, len(data)) < len(data):
        raise ValueError("no list")
    start = opening.end()
    while start < end:
        cut = data.find(b"}", min(start + _PIECE, end), end)
        stop = end if cut < 0 else cut + 1
        yield b"[%b]" % data[start:stop]
        start = _blank(data, stop, end)
        if start < end:
            if data[start : start + 1] != b",":
                raise ValueError("no list of objects")
            start = _blank(data, start + 1, end)
            if start == end:
                raise ValueError("a list that ends in a comma")


def _blank(data: bytes, start: int, end: int) -> int:
    """Where the white space from `start` on ends."""
    found = _BLANK.match(data, start, end)
    return start if found is None else found.end()


def _as_arrays(entries: list[_Plain]) -> Entries:
    count = len(entries)
    boxes = chain.from_iterable(entry.bbox for entry in entries)
    return Entries(
        image_ids=np.fromiter((entry.image_id for entry in entries), np.int64, count),
        category_ids=np.fromiter((entry.category_id for entry in entries), np.int64, count),
        boxes=np.fromiter(boxes, np.float64, 4 * count).reshape(-1, 4),
        scores=np.fromiter((entry.score for entry in entries), np.float64, count),
    )
