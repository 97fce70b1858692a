"""Classes merged, renamed, dropped or ignored, as configuration asks for it, and those of joined sets."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.data.readers.assemble import shown
from detector.errors import UserError
from detector.structures import IGNORE_LABEL

IGNORE = "<ignore>"
"""Stands where a class's new name would, for regions to ignore. No class can be given this name."""

_DROPPED = IGNORE_LABEL - 1


def remap(annotations: Annotations, mapping: Mapping[str, str | None]) -> Annotations:
    """The annotations with classes renamed; `annotations` is left as it is.

    mapping: new name by old name, all at once; old names that share a new one are merged. None drops the
    class's boxes; IGNORE makes them regions of no class, to be ignored. Classes that are not named stay.
    The new names come first, as they first appear in the mapping, then those that stay, in their order.
    A merged class has the smallest category id of those it is made of.
    Raises UserError for a name that the annotations do not have, for a new name that is no text, and where
    no class is left.
    """
    if not isinstance(mapping, Mapping):
        raise UserError(f"data.remap: must give new names by old names, found {mapping}")
    asked = {str(old): new for old, new in mapping.items()}
    for old, new in asked.items():
        _check(old, new, annotations.classes)
    targets = {name: asked.get(name, name) for name in annotations.classes}
    order = dict.fromkeys((*asked.values(), *targets.values()))
    classes = tuple(name for name in order if name is not None and name != IGNORE)
    if not classes:
        raise UserError("data.remap: no class is left to learn")
    label_of: dict[str | None, int] = {name: label for label, name in enumerate(classes)}
    label_of |= {IGNORE: IGNORE_LABEL, None: _DROPPED}
    # One entry more, at the end, where label -1 finds it: regions of no class stay so.
    labels = np.array([*(label_of[targets[name]] for name in annotations.classes), IGNORE_LABEL], np.int64)
    ids = tuple(
        min(
            key
            for key, old in zip(annotations.category_ids, annotations.classes, strict=True)
            if targets[old] == name
        )
        for name in classes
    )
    records = tuple(_record(record, labels) for record in annotations.records)
    return Annotations(classes, records, ids)


def with_classes(annotations: Annotations, classes: Sequence[str]) -> Annotations:
    """The annotations as of a set with these classes, which include all of their own.

    What they have no class for counts as background: a set that shows an object unlabelled does not belong
    beside one that labels it. Their category ids stay; the other classes get those that follow.
    """
    if annotations.classes == tuple(classes):
        return annotations
    # One entry more, at the end, where label -1 finds it: regions of no class stay so.
    labels = np.array([*map(list(classes).index, annotations.classes), IGNORE_LABEL], np.int64)
    own = dict(zip(annotations.classes, annotations.category_ids, strict=True))
    unused = itertools.count(max(own.values(), default=0) + 1)
    ids = tuple(own[name] if name in own else next(unused) for name in classes)
    records = tuple(replace(record, labels=labels[record.labels]) for record in annotations.records)
    return Annotations(tuple(classes), records, ids)


def of_set(annotations: Annotations, name: str) -> Annotations:
    """The annotations with recordings called NAME/RECORDING, for two sets may call theirs alike."""
    records = tuple(
        record if record.sequence is None else replace(record, sequence=f"{name}/{record.sequence}")
        for record in annotations.records
    )
    return replace(annotations, records=records)


def _check(old: str, new: object, classes: tuple[str, ...]) -> None:
    if old not in classes:
        near = difflib.get_close_matches(old, classes, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"available: {shown(classes, 20)}"
        raise UserError(f"data.remap: unknown class '{old}'; {hint}")
    if new is None or new == IGNORE:
        return
    if not isinstance(new, str) or not new or not new.isprintable() or new.startswith("<"):
        raise UserError(
            f"data.remap: {old}: {new!r} is no class name; give a name, null to drop its boxes, or {IGNORE}"
        )


def _record(record: ImageRecord, labels: np.ndarray) -> ImageRecord:
    new = labels[record.labels]
    kept = new != _DROPPED
    return replace(
        record,
        boxes=record.boxes[kept],
        labels=new[kept],
        ignored=(record.ignored | (new == IGNORE_LABEL))[kept],
    )
