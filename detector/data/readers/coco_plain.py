"""COCO files of the usual form, a hundred megabytes in seconds.

The careful reader in coco.py looks at every value as Python's, which takes 40 s and 1.7 GB for 200,000 frames
with 1.2 million boxes. Here msgspec decodes the few fields that are needed, by their types, into arrays. A
file in which anything is out of the ordinary (ids that are words, objects without bbox, a key given twice, a
picture that is not where its name says, ...) is left to the careful reader, which reads it or says what is
wrong; so both tell the same of every file that both read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from detector.data.annotations import Annotations
from detector.data.readers.assemble import MAX_SIDE, chosen_classes, tell_dropped
from detector.data.readers.coco_categories import Category, Classes, numbered, read_categories
from detector.data.readers.files import parse_json, read_bytes
from detector.data.records import Records, Texts, Words, cuts_of
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from detector.thermal.io.colour import REFUSE

_LETTERS_IN_CODE = re.compile(rb"\\u00[2-7]", re.IGNORECASE)
"""Of keys nobody writes so; where one is, no key can be counted by its letters."""


class _Image(msgspec.Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int
    sequence: str | int | UnsetType | None = UNSET


class _Object(msgspec.Struct, gc=False):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int | UnsetType = UNSET


class _Document(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Object]
    categories: msgspec.Raw
    licenses: msgspec.Raw = msgspec.Raw(b"[]")


@dataclass(frozen=True, eq=False)
class PlainCoco:
    """A file's content: N images in their order, M objects in theirs.

    ids [N], sizes [N, 2] int64: width, height. images [M]: index into the images. categories [M]: ids as the
    file has them. boxes [M, 4] float64 xyxy. crowd [M] bool. numbers [M]: the objects' own ids.
    """

    ids: np.ndarray
    names: Sequence[str]
    sequences: Words
    sizes: np.ndarray
    images: np.ndarray
    categories: np.ndarray
    boxes: np.ndarray
    crowd: np.ndarray
    numbers: np.ndarray
    listed: tuple[Category, ...]


def read_plain(file: Path) -> PlainCoco | None:
    """The content of a file of the usual form; None where it is any other. UserError for no file."""
    data = read_bytes(file)
    try:
        document = msgspec.json.decode(data, type=_Document)
        if not document.images or not _keys_once(data, document):
            return None
        return _as_arrays(document, file)
    except (ValueError, OverflowError, RecursionError, UserError):  # msgspec's errors are ValueErrors
        return None


def annotations_of(
    plain: PlainCoco,
    file: Path,
    folder: Path,
    *,
    classes: Sequence[str] | None,
    known: Classes,
    find_sequence: Callable[[str], str | None],
) -> Annotations | None:
    """What `annotations_from_coco` makes of the same file; None where that must look itself.

    folder: in which the pictures lie. known: the classes of the whole set.
    """
    paths = _paths(folder, plain.names)
    if paths is None:
        return None
    numbers, names = numbered(plain.listed, known)
    chosen, label_of, ids = chosen_classes(names, known.names if classes is None else classes, file)
    found = _labels(plain.categories, numbers, names, label_of)
    if found is None:
        return None
    kept, labels = found
    by_image = np.argsort(plain.images[kept], kind="stable")
    order, labels = kept[by_image], labels[by_image]
    images, raw = plain.images[order], plain.boxes[order]
    boxes = np.clip(raw, 0, np.tile(plain.sizes[images], 2)).astype(np.float32)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    tell_dropped([f"annotation {number}" for number in plain.numbers[order[~solid]].tolist()], file)
    count = len(plain.ids)
    nothing, once = Words(np.full(count, -1, np.int32), ()), np.zeros(count, np.int32)
    records = Records(
        image_ids=plain.ids,
        paths=paths,
        sizes=plain.sizes.astype(np.int32),
        boxes=boxes[solid],
        labels=labels[solid],
        ignored=(plain.crowd[order] | (labels == IGNORE_LABEL))[solid],
        cuts=cuts_of(np.bincount(images[solid], minlength=count)),
        sequences=_sequences(plain, find_sequence),
        stored=raw,
        stored_cuts=cuts_of(np.bincount(images, minlength=count)),
        kept=np.ones(count, bool),
        colours=Words(once, (REFUSE,)),
        units=nothing,
        names=Texts([""] * count),
    )
    return Annotations(chosen, records, ids)


def _keys_once(data: bytes, document: _Document) -> bool:
    """Whether no object has a key of those that are read twice, of which msgspec takes the last."""
    if _LETTERS_IN_CODE.search(data):
        return False
    images, objects = len(document.images), len(document.annotations)
    rest = bytes(document.categories) + bytes(document.licenses)
    expected = {
        "images": 1,
        "annotations": 1,
        "categories": 1,
        "file_name": images,
        "width": images,
        "height": images,
        "sequence": sum(image.sequence is not UNSET for image in document.images),
        "image_id": objects,
        "category_id": objects,
        "bbox": objects,
        "iscrowd": sum(item.iscrowd is not UNSET for item in document.annotations),
        "id": images + objects + rest.count(b'"id"'),
    }
    return all(data.count(b'"%s"' % key.encode()) == count for key, count in expected.items())


def _as_arrays(document: _Document, file: Path) -> PlainCoco | None:
    """None where an id is not listed or listed twice, or a number is none that may be."""
    images, objects = document.images, document.annotations
    ids = np.fromiter((image.id for image in images), np.int64, len(images))
    rank = np.argsort(ids, kind="stable")
    owners = np.fromiter((item.image_id for item in objects), np.int64, len(objects))
    place = np.searchsorted(ids[rank], owners).clip(max=len(ids) - 1)
    sizes = np.array([(image.width, image.height) for image in images], np.int64)
    crowd = np.fromiter((item.iscrowd or 0 for item in objects), np.int64, len(objects))
    values = chain.from_iterable(item.bbox for item in objects)
    boxes = np.fromiter(values, np.float64, 4 * len(objects)).reshape(-1, 4)
    drawn = boxes.any(axis=1).all()
    with np.errstate(over="ignore"):
        boxes[:, 2:] += boxes[:, :2]
    sound = (
        (np.diff(ids[rank]) > 0).all()
        and (ids[rank][place] == owners).all()
        and ((sizes > 0) & (sizes <= MAX_SIDE)).all()
        and ((crowd == 0) | (crowd == 1)).all()
        and drawn
        and np.isfinite(boxes).all()
    )
    if not sound:
        return None
    categories = np.fromiter((item.category_id for item in objects), np.int64, len(objects))
    used = {"annotations": [{"category_id": key} for key in np.unique(categories).tolist()]}
    return PlainCoco(
        ids=ids,
        names=[image.file_name for image in images],
        sequences=Words.of(None if i.sequence in (None, UNSET) else str(i.sequence) for i in images),
        sizes=sizes,
        images=rank[place],
        categories=categories,
        boxes=boxes,
        crowd=crowd.astype(bool),
        numbers=np.fromiter((item.id for item in objects), np.int64, len(objects)),
        listed=read_categories(used | {"categories": parse_json(bytes(document.categories))}, file),
    )


def _sequences(plain: PlainCoco, find: Callable[[str], str | None]) -> Words:
    """The recordings that the file tells, and where it does not, those that are found by name."""
    if (plain.sequences.codes >= 0).all():
        return plain.sequences
    pairs = zip(plain.sequences, plain.names, strict=True)
    return Words.of(find(name) if told is None else told for told, name in pairs)


def _labels(
    categories: np.ndarray,
    numbers: Mapping[int | str, int],
    names: Mapping[int, str],
    label_of: Mapping[int | None, int],
) -> tuple[np.ndarray, np.ndarray] | None:
    """The objects of classes that are to be learned, or of none, and their labels; None at an unknown id."""
    ids, which = np.unique(categories, return_inverse=True)
    labels = np.zeros(len(ids), np.int64)
    wanted = np.zeros(len(ids), bool)
    for row, key in enumerate(ids.tolist()):
        if key not in numbers:
            return None
        category = numbers[key] if numbers[key] in names else None
        wanted[row] = category in label_of
        labels[row] = label_of.get(category, IGNORE_LABEL)
    kept = np.flatnonzero(wanted[which])
    return kept, labels[which[kept]]


def _paths(folder: Path, names: Sequence[str]) -> Texts | None:
    """Where the pictures lie; None where one is not there, is named twice, or its name is no plain one.

    Folders are listed once: on most disks that is faster than asking for each file.
    """
    there: dict[str, set[str]] = {}
    for name in names:
        inside, _, own = name.rpartition("/")
        if inside not in there:
            there[inside] = _files(folder / inside)
        plain = os.path.normpath(name) == name and not name.startswith(("/", ".."))
        if not plain or "\\" in name or own not in there[inside]:
            return None
    prefix = str(folder / "x")[:-1]
    return Texts(prefix + name for name in names) if len(set(names)) == len(names) else None


def _files(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except (OSError, ValueError):  # no such folder, or no name of one
        return set()
