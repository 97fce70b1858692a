"""Detections as other programs write them: COCO results and their usual relatives.

Entries of one detection each, in a list or under `annotations` or the like, or a record for each image with
its boxes, scores and labels, or what `predict` writes. An image is meant by its id or by its picture's name,
with or without folders and suffix; a class by its id or its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from detector.data.annotations import Annotations, xywh
from detector.data.readers.assemble import folded
from detector.data.readers.lookup import Pictures
from detector.errors import UserError
from detector.evaluation.predictions import Entries, Entry
from detector.evaluation.results_forms import (
    BOXES,
    CLASSES,
    IDS,
    NAMES,
    SCORES,
    Raw,
    detections,
    first,
    short,
    shown,
)
from detector.evaluation.results_plain import read_plain_results
from detector.files import require_regular

FORMS = ("xywh", "xyxy")
"""What the four numbers of a box may be."""

_LARGEST = 2**24
"""Pixels; beyond it float32 misses whole numbers."""
_BEYOND = 0.1
"""Of a picture's side, by which a box must reach out of it to be doubted; networks clip or stay near."""
_MANY = 20


def read_predictions(file: Path, annotations: Annotations, *, boxes: str | None = "xywh") -> Entries:
    """The detections as entries of a COCO results file.

    boxes: of FORMS; None: as the form has it, else x, y, w, h, unless they look like x1, y1, x2, y2.
    Raises UserError, with the entry's position from 0, for a file that cannot be read or is none of these
    forms, names images or classes that the annotations do not have, and for boxes in doubt.
    """
    require_regular(file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot read predictions: {error.strerror}") from error
    entries = read_plain_results(data, annotations)
    places: Sequence[str] | None = None
    if entries is None:
        entries, corners, places = _read_any(data, annotations, file)
    else:
        corners = np.zeros(len(entries), bool)
    if boxes is None:
        _doubt(entries[~corners], annotations, file)
    turned = np.ones(len(entries), bool) if boxes == "xyxy" else corners
    moved = np.where(turned[:, None], entries.boxes, 0.0)
    sides = entries.boxes[:, 2:] - moved[:, :2]
    if (sides < 0).any():
        first = int((sides < 0).any(axis=1).argmax())
        place = f"{file}: entry {first}" if places is None else places[first]
        raise UserError(f"{place}: bbox {entries.boxes[first].tolist()} has a negative width or height")
    return replace(entries, boxes=np.concatenate((entries.boxes[:, :2], sides), axis=1))


def _read_any(data: bytes, annotations: Annotations, file: Path) -> tuple[Entries, np.ndarray, Sequence[str]]:
    """Of any of the forms: entries with their boxes as they stand there, [D] bool which of these are corners,
    and the place of each in the file."""
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON: {error}") from error
    found = list(detections(content, file))
    images = _Images(annotations, [raw.entry for raw in found])
    classes = _Classes(annotations)
    entries: list[Entry] = [
        {
            "image_id": images.of(raw.entry, raw.where),
            "category_id": classes.of(raw.entry, raw.where),
            "bbox": _box(raw),
            "score": _score(raw),
        }
        for raw in found
    ]
    corners = np.array([raw.corners for raw in found], bool)
    return Entries.of(entries), corners, [raw.where for raw in found]


class _Images:
    """Which image a detection is of."""

    def __init__(self, annotations: Annotations, entries: Sequence[Mapping[str, Any]]) -> None:
        self._records = annotations.records
        self._ids = {record.image_id for record in annotations.records}
        self._words = {name: record.image_id for record in annotations.records for name in record.names}
        self._found: dict[str, int] = {}
        numbers = {value for entry in entries if type(value := _whole(first(entry, IDS))) is int}
        numbers -= {int(word) for word in self._words if word.isdecimal() and len(word) < 19}
        self._by_stem = not numbers <= self._ids and numbers <= self._stems.keys()

    def of(self, entry: Mapping[str, Any], where: str) -> int:
        """The image id. A picture's name counts before a number, which some programs make up."""
        name, value = first(entry, NAMES), _whole(first(entry, IDS))
        if isinstance(name, str):
            found = self._named(name, where)
            if found is not None:
                return found
        if type(value) is int:
            found = self._stems.get(value) if self._by_stem else value if value in self._ids else None
            found = self._words.get(str(value)) if found is None else found
            if found is None:
                raise UserError(
                    f"{where}: image_id {value} is not in this split; predictions of another split?"
                )
            return found
        text = name if isinstance(name, str) else value
        found = self._named(text, where) if isinstance(text, str) else None
        if found is None:
            raise UserError(
                f"{where}: image_id is {shown(text)}, expected the id or the name of a picture of this split"
            )
        return found

    def _named(self, name: str, where: str) -> int | None:
        if name in self._words:
            return self._words[name]
        if name not in self._found:
            path = self._pictures.find(name, where=where)
            if path is None:
                return int(name) if name.isdecimal() and len(name) < 19 and int(name) in self._ids else None
            self._found[name] = self._id_of[path]
        return self._found[name]

    @cached_property
    def _pictures(self) -> Pictures:
        return Pictures({record.path.as_posix(): record.path for record in self._records})

    @cached_property
    def _id_of(self) -> dict[Path, int]:
        return {record.path: record.image_id for record in self._records}

    @cached_property
    def _stems(self) -> dict[int, int]:
        """Image ids by the number that a picture's name is: what Ultralytics takes for an id."""
        stems = [(record.path.stem, record.image_id) for record in self._records]
        return {int(stem): key for stem, key in stems if stem.isdecimal() and len(stem) < 19}


class _Classes:
    """Which category a detection is of."""

    def __init__(self, annotations: Annotations) -> None:
        pairs = list(zip(annotations.classes, annotations.category_ids, strict=True))
        self._ids = {key for _, key in pairs}
        self._by_name = {folded(name): key for name, key in pairs}

    def of(self, entry: Mapping[str, Any], where: str) -> int:
        for key in CLASSES:  # a name counts before a number, which some programs count from 0
            name = entry.get(key)
            if isinstance(name, str) and folded(name) in self._by_name:
                return self._by_name[folded(name)]
        value = _whole(first(entry, CLASSES))
        if isinstance(value, str) and value.isdecimal() and len(value) < 19:
            value = int(value)
        if type(value) is not int:
            raise UserError(
                f"{where}: category_id is {shown(value)}, expected a whole number or the name of a class"
            )
        if value not in self._ids:
            raise UserError(
                f"{where}: category_id {value} is none of {short(sorted(self._ids))}; names of classes do too"
            )
        return value


def _doubt(entries: Entries, annotations: Annotations, file: Path) -> None:
    """UserError where boxes make more sense as x1, y1, x2, y2, or as shares of the pictures' sides."""
    if not len(entries):
        return
    table = annotations.table
    order = np.argsort(table.image_ids, kind="stable")
    sides = table.sizes[order[np.searchsorted(table.image_ids, entries.image_ids, sorter=order)]]
    starts, ends = entries.boxes[:, :2], entries.boxes[:, 2:]
    out = (starts + ends > (1 + _BEYOND) * sides).any(axis=1)
    out_as_corners = (ends > (1 + _BEYOND) * sides).any(axis=1)
    corners = (ends >= starts).all(axis=1)
    truths = xywh(table.boxes)
    usual = (truths[:, 2:] >= truths[:, :2]).all(axis=1).mean() if len(truths) else 1.0
    if entries.boxes.max() <= 1 and not (len(truths) and truths.max() <= 1):
        raise UserError(
            f"{file}: no number of a box is above 1: they look like shares of the pictures' sides; write "
            "pixels, or say boxes=xywh if they are"
        )
    plain = bool(corners.all() and not out_as_corners.any())
    if plain and (out.any() or (len(entries) >= _MANY and usual < 0.5)):
        raise UserError(
            f"{file}: boxes look like x1, y1, x2, y2: as x, y, w, h {int(out.sum())} of {len(entries)} reach "
            "out of their pictures; say which: thermal-detector evaluate predictions=FILE boxes=xyxy or "
            "boxes=xywh reads them so and writes predictions.json, which is not asked about again"
        )


def _whole(value: Any) -> Any:
    """A float without a fraction as the whole number it is, anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _box(raw: Raw) -> list[float]:
    value = first(raw.entry, BOXES)
    if not isinstance(value, list) or len(value) != 4 or not all(_is_number(part) for part in value):
        raise UserError(f"{raw.where}: bbox is {shown(value)}, expected four finite numbers x, y, w, h")
    return [float(part) for part in value]


def _score(raw: Raw) -> float:
    """In [0, 1]."""
    value = first(raw.entry, SCORES)
    if not _is_number(value) or not 0 <= value <= 1:
        raise UserError(f"{raw.where}: score is {shown(value)}, expected a number between 0 and 1")
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether JSON gave a number of sane size: not NaN or infinity, which Python's reader lets pass."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
