"""YOLO text labels, wherever they and their pictures lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.auto.layouts import ALL, Layout, Place
from detector.data.auto.roles import role_of_folder
from detector.data.readers.files import read_text
from detector.data.readers.yolo import LIMIT_MIB, read_names, read_yolo
from detector.errors import UserError

_NAMES = re.compile(r"^names\s*:", re.MULTILINE)
_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")


def yolo(place: Place, files: Sequence[str]) -> Layout:
    """Label files by the pictures of their names; a split is a folder called train, valid, ...

    Pictures without label file have no object where they lie among pictures that have one, and are left out
    elsewhere. Without a file of class names these are class_0, class_1, ...
    """
    labels = _paired(place, files)
    keys = [*labels]
    if not place.manifest:
        folders = {key.rpartition("/")[0] for key in labels}
        keys = [key for key in place.pictures.paths if key.rpartition("/")[0] in folders]
    named = _names_file(place)
    grouped: dict[str, list[str]] = {}
    for key in keys:
        role = role_of_folder(key) or role_of_folder(labels.get(key, ""))
        grouped.setdefault(role or ALL, []).append(key)
    says = (
        f"YOLO text labels, {len(labels)} files, class names from {named or 'nowhere: class_0, class_1, ...'}"
    )
    return Layout(
        says, {split: partial(_load, place, keys, labels, named) for split, keys in grouped.items()}
    )


def _paired(place: Place, files: Sequence[str]) -> dict[str, str]:
    """Label files by what `place.pictures` calls their pictures."""
    # An empty file looks like no format; it is a label file of a picture without objects.
    folders = {file.rpartition("/")[0] for file in files}
    root = str(place.root)
    labels: dict[str, str] = {}
    for file in place.listing.ending(".txt"):
        folder, _, name = file.rpartition("/")
        if name in _LISTS or (folder not in folders and (place.root / file).stat().st_size):
            continue
        picture = place.pictures.find(file[:-4], where=f"{root}/{file}")
        if picture is None:
            continue
        key = place.pictures.key_of[picture]
        if key in labels:
            raise UserError(f"{picture}: has two label files, {labels[key]} and {file}: remove one")
        labels[key] = file
    return labels


def _names_file(place: Place) -> str | None:
    """The file with the class names: the one nearest to the top; a YAML file before others."""
    files = place.listing.ending(".yaml", ".yml")
    found = [file for file in files if _NAMES.search(read_text(place.root / file, limit_mib=LIMIT_MIB))]
    found += [
        file for file in place.listing.others if file.rpartition("/")[2] in _LISTS or file.endswith(".names")
    ]
    return min(found, key=lambda file: file.count("/"), default=None)


def _load(place: Place, keys: Sequence[str], labels: dict[str, str], named: str | None) -> Annotations:
    files = {key: place.root / labels[key] if key in labels else place.root / f"{key}.txt" for key in keys}
    return read_yolo(
        {key: place.pictures.paths[key] for key in keys},
        files,
        source=place.root,
        names=_numbers(place.root, labels) if named is None else read_names(place.root / named),
        classes=place.classes,
        find_sequence=place.find_sequence,
    )


def _numbers(root: Path, labels: dict[str, str]) -> dict[int, str]:
    """class_0, class_1, ... up to the highest class of any label file."""
    highest = 0
    for file in labels.values():
        for line in read_text(root / file, limit_mib=LIMIT_MIB).splitlines():
            word = line.split(maxsplit=1)[:1]
            number = word[0].removesuffix(".0") if word else ""
            if number.isdecimal() and len(number) < 5:
                highest = max(highest, int(number))
    return {number: f"class_{number}" for number in range(highest + 1)}
