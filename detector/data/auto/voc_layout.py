"""Pascal VOC's XML, in VOC's own folders or beside the pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.auto.layouts import ALL, Layout, Place, of_source
from detector.data.auto.roles import role_of_folder
from detector.data.readers.assemble import shown
from detector.data.readers.voc import VocSource, guessed_coordinates, names_in_files, read_voc
from detector.errors import UserError

_LISTS = "ImageSets/Main"


def voc(place: Place, files: Sequence[str]) -> Layout:
    """VOC's own folders with lists of each split, or XML files by the pictures of their names."""
    lists = [file for file in place.listing.ending(".txt") if file.rpartition("/")[0].endswith(_LISTS)]
    if lists and not place.manifest:
        return _with_lists(place, files, place.root / lists[0].partition(_LISTS)[0])
    return _by_names(place, files)


def _with_lists(place: Place, files: Sequence[str], top: Path) -> Layout:
    """CVAT writes these folders too, but edges instead of pixels: a 0 or a fraction tells."""
    coordinates = guessed_coordinates([place.root / file for file in files])
    source = VocSource(
        top,
        classes=place.classes,
        lists=f"{_LISTS}/{{split}}.txt",
        images="JPEGImages",
        annotations="Annotations",
        coordinates=coordinates,
        sequence_pattern=place.sequence_pattern,
    )
    layout = of_source(f"Pascal VOC with lists, {len(files)} files, coordinates={coordinates}", source)
    # What VOC calls trainval is both of the others once more.
    return Layout(layout.says, {name: load for name, load in layout.splits.items() if name != "trainval"})


def _by_names(place: Place, files: Sequence[str]) -> Layout:
    """As LabelImg and Roboflow write them, edges from 0; a split is a folder called train, valid, ...

    Pictures without a file are not labelled.
    """
    grouped: dict[str, dict[str, str]] = {}
    seen: dict[Path, str] = {}
    missing = []
    for file in files:
        picture = place.pictures.find(file[:-4], where=f"{place.root / file}")
        if picture is None:
            missing.append(file)
            continue
        if picture in seen:
            raise UserError(f"{picture}: has two label files, {seen[picture]} and {file}: remove one")
        seen[picture] = file
        key = place.pictures.key_of[picture]
        grouped.setdefault(role_of_folder(key) or role_of_folder(file) or ALL, {})[key] = file
    if missing:
        raise UserError(
            f"{place.root}: {len(missing)} of {len(files)} XML files have no picture: {shown(missing, 3)}"
        )
    unlabelled = len(place.pictures.key_of) - len(seen)
    says = f"Pascal VOC, {len(files)} files, coordinates=edges"
    if unlabelled:
        says += f"; {unlabelled} pictures without a file are left out"
    names = cache(lambda: names_in_files(place.root / file for file in files))
    return Layout(says, {split: partial(_load, place, files, names) for split, files in grouped.items()})


def _load(place: Place, files: Mapping[str, str], names: Callable[[], list[str]]) -> Annotations:
    return read_voc(
        {key: place.pictures.paths[key] for key in files},
        {key: place.root / file for key, file in files.items()},
        source=place.root,
        names=names(),
        classes=place.classes,
        coordinates="edges",
        find_sequence=place.find_sequence,
    )
