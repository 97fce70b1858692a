"""What every reader ends in: pictures and objects as the files name them become checked records.

Readers only parse. Which boxes are clipped, dropped or refused, how classes are chosen and what a missing
picture means is decided here, once for all formats.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from reprlib import Repr
from typing import NamedTuple

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.errors import UserError
from detector.structures import IGNORE_LABEL

log = logging.getLogger(__name__)

NOWHERE = (0.0, 0.0, 0.0, 0.0)
"""The box of an object that was named but not drawn."""

MAX_SIDE = 2**16
"""Pixels; no thermal sensor comes near, and float32 still tells a hundredth of a pixel there."""

_brief = Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 60


class GroundTruth(NamedTuple):
    """One labelled object or region.

    category: the id of its class; None for a region of no class, which is always ignored.
    box: xyxy in pixels, finite or not, inside the frame or not. place: where it stands, for messages.
    """

    category: int | None
    box: tuple[float, float, float, float]
    ignored: bool
    place: str


@dataclass(frozen=True)
class Picture:
    """One picture as its files describe it; the fields are those of ImageRecord."""

    image_id: int
    path: Path
    width: int
    height: int
    truths: Sequence[GroundTruth]
    sequence: str | None
    names: tuple[str, ...] = ()


def assemble(
    pictures: Sequence[Picture],
    categories: Mapping[int, str],
    *,
    classes: Sequence[str] | None,
    source: Path,
    remedy: str = "",
) -> Annotations:
    """The split's annotations, with every picture's presence checked.

    categories: names of the classes by id, without those of regions of no class. classes: which of them to
    learn, in label order; None takes all, by id. source: the file or folder to name in messages. remedy: what
    to do about missing pictures. Categories whose names are equal, but for capitals and blanks, are one class
    with the smallest of their ids; a warning tells them. Boxes are clipped to the frame; those without area
    (before or after) are dropped with one warning that counts them. Objects of classes that `classes` leaves
    out are dropped.
    Raises UserError where there is no picture or no class, a class is unknown or named twice, a box is not
    finite or a picture is missing.
    """
    if not pictures:
        raise UserError(f"{source}: the split is empty (no images)")
    names, labels, category_ids = chosen_classes(categories, classes, source)
    dropped: list[str] = []
    pictures, nowhere = _without_boxless(pictures)
    records = tuple(_record(picture, labels, source, dropped) for picture in pictures)
    if nowhere:
        log.warning("%s: %d objects without a box left out: %s", source, len(nowhere), shown(nowhere, 3))
    tell_dropped(dropped, source)
    require_files([record.path for record in records], source, remedy=remedy)
    return Annotations(names, records, category_ids)


def chosen_classes(
    categories: Mapping[int, str], classes: Sequence[str] | None, source: Path
) -> tuple[tuple[str, ...], dict[int | None, int], tuple[int, ...]]:
    """Names in label order, the label by category id, None being no class, and each class's smallest id.

    The arguments are those of `assemble`, and so are the errors.
    """
    ids = _ids_by_name(categories, source)
    names = _select(ids, categories, classes, source)
    labels: dict[int | None, int] = {
        key: label for label, name in enumerate(names) for key in ids[folded(name)]
    }
    labels[None] = IGNORE_LABEL
    return names, labels, tuple(ids[folded(name)][0] for name in names)


def tell_dropped(places: Sequence[str], source: Path) -> None:
    """One warning that counts boxes without area, by their places."""
    if places:
        log.warning("%s: %d boxes without area in the frame dropped: %s", source, len(places), shown(places))


def folded(name: str) -> str:
    """A class name without what makes no other class: capitals and blanks."""
    return " ".join(name.split()).casefold()


def require_files(paths: Sequence[Path], source: Path, *, remedy: str = "") -> None:
    """Raises UserError that counts the pictures that are not there."""
    # os.path.isfile, unlike Path's, takes names that no file can have (too long, with NUL) for missing.
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise UserError(
            f"{source}: {len(missing)} of {len(paths)} image files are missing: {shown(missing, 3)}"
            + (f"; {remedy}" if remedy else "")
        )


def checked_name(value: object, where: str) -> str:
    """A class name: text that can be printed on one line; UserError otherwise."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise UserError(f"{where}: a class name must be printable text, found {brief(value)}")
    return value


def sequence_finder(pattern: str | None) -> Callable[[str], str | None]:
    """Tells the recording of a picture by its path, as a regular expression with one group finds it.

    None finds none. Raises UserError for another pattern, and the finder where a path does not match: a
    picture without recording could silently lie in two splits. A group that takes no part in the match
    (`(...)?`) leaves the recording unknown.
    """
    if pattern is None:
        return lambda _path: None
    if not isinstance(pattern, str):
        raise UserError(
            f"data.source.sequence_pattern={pattern}: must be a regular expression, found no text"
        )
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(
            f"data.source.sequence_pattern='{pattern}': not a regular expression: {error}"
        ) from None
    if compiled.groups != 1:
        raise UserError(
            f"data.source.sequence_pattern='{pattern}': needs one group in round brackets, "
            f"has {compiled.groups}"
        )

    def find(path: str) -> str | None:
        match = compiled.search(path)
        if match is None:
            raise UserError(f"data.source.sequence_pattern='{pattern}' does not match {brief(path)}")
        return match[1]

    return find


def shown(items: Iterable[object], limit: int = 5) -> str:
    """The first few items, and how many there are more."""
    texts = [str(item) for item in items]
    more = f", ... ({len(texts)} in all)" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def finite(text: str, key: str, where: str) -> float:
    """The finite number that a text is. Raises UserError, with `key`, for any other text."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {key} must be a number, found {brief(text)}")
    return value


def brief(value: object) -> str:
    """A value from a file for a message: short and on one line, whatever it is."""
    return _brief.repr(value)


def _ids_by_name(categories: Mapping[int, str], source: Path) -> dict[str, list[int]]:
    """The ids of each class, the smallest first, by its folded name; in the order of these."""
    ids: dict[str, list[int]] = {}
    for key in sorted(categories):
        ids.setdefault(folded(categories[key]), []).append(key)
    for same in ids.values():
        if len(same) > 1:
            told = " and ".join(f"{key} ({brief(categories[key])})" for key in same)
            log.warning(
                "%s: categories %s are read as one class: rename one to keep them apart", source, told
            )
    return ids


def _select(
    ids: Mapping[str, Sequence[int]],
    categories: Mapping[int, str],
    classes: Sequence[str] | None,
    source: Path,
) -> tuple[str, ...]:
    """Names in label order."""
    available = [_trimmed(categories[same[0]]) for same in ids.values()]
    if isinstance(classes, str):
        raise UserError(
            f"data.source.classes: must be a list of names, found the text '{classes}'; write [{classes}]"
        )
    wanted = available if classes is None else list(classes)
    if not wanted:
        raise UserError(f"{source}: no class to learn; available: {shown(available, 100)}")
    for name in wanted:
        if not isinstance(name, str) or folded(name) not in ids:
            raise UserError(
                f"{source}: unknown class '{name}'; available: {shown(available, 100)}; "
                "see data.source.classes"
            )
    if len(set(map(folded, wanted))) != len(wanted):
        raise UserError(f"data.source.classes: a name is given twice: {', '.join(wanted)}")
    return tuple(map(_trimmed, wanted))


def _trimmed(name: str) -> str:
    return name.strip() or name


def _without_boxless(pictures: Sequence[Picture]) -> tuple[list[Picture], list[str]]:
    """The pictures without objects that nobody drew a box of, and the places of these."""
    places = [truth.place for picture in pictures for truth in picture.truths if truth.box == NOWHERE]
    if not places:
        return list(pictures), []
    kept = [
        replace(picture, truths=[truth for truth in picture.truths if truth.box != NOWHERE])
        for picture in pictures
    ]
    return kept, places


def _record(
    picture: Picture, labels: Mapping[int | None, int], source: Path, dropped: list[str]
) -> ImageRecord:
    """One picture's truth; places of boxes without area are added to `dropped`."""
    truths = [truth for truth in picture.truths if truth.category in labels]
    raw = np.array([truth.box for truth in truths], np.float64).reshape(-1, 4)
    finite = np.isfinite(raw).all(axis=1)
    if not finite.all():
        first = truths[int(np.argmin(finite))]
        raise UserError(f"{source}: {first.place}: box is not finite: {list(first.box)}")
    frame = (picture.width, picture.height)
    boxes = np.clip(raw, 0, frame * 2).astype(np.float32)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    dropped.extend(truth.place for truth, keep in zip(truths, solid, strict=True) if not keep)
    label = np.array([labels[truth.category] for truth in truths], np.int64)
    ignored = np.array([truth.ignored for truth in truths], bool) | (label == IGNORE_LABEL)
    return ImageRecord(
        image_id=picture.image_id,
        path=picture.path,
        width=picture.width,
        height=picture.height,
        boxes=boxes[solid],
        labels=label[solid],
        ignored=ignored[solid],
        sequence=picture.sequence,
        stored=raw,
        names=picture.names,
    )
