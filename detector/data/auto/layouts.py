"""What a folder may be taken for, and the formats of which one file tells of many pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from detector.data.annotations import Annotations, Source
from detector.data.auto.listing import Listing
from detector.data.auto.roles import role_of_folder, role_of_name
from detector.data.readers.csv_table import labelled_rows
from detector.data.readers.cvat import read_cvat
from detector.data.readers.label_studio import read_label_studio
from detector.data.readers.labelled import Labelled, assemble_labelled, names_in
from detector.data.readers.labelme import read_labelme
from detector.data.readers.lookup import Pictures

Splits = Mapping[str, Callable[[], Annotations]]
ALL = "all"
"""The name of what no folder and no file calls a split."""


@dataclass(frozen=True)
class Place:
    """Where label files lie and what they may be of.

    pictures: by the names that labels may give them. find_sequence: the recording, by such a name; of a set
    without manifest as sequence_pattern finds it. manifest: the pictures are those of one; then only those
    with a label file are labelled, whatever the format says.
    """

    listing: Listing
    pictures: Pictures
    classes: Sequence[str] | None
    sequence_pattern: str | None
    find_sequence: Callable[[str], str | None]
    manifest: bool

    @property
    def root(self) -> Path:
        return self.listing.root


@dataclass(frozen=True)
class Layout:
    """What a folder was taken for, in words, and how to read each of its splits."""

    says: str
    splits: Splits


def of_source(says: str, source: Source) -> Layout:
    """What one of the readers reads as it is."""
    return Layout(says, {name: partial(source.load, name) for name in source.splits()})


def cvat(place: Place, files: Sequence[str]) -> Layout:
    """CVAT's XML; pictures of no subset belong to the split that the file's path tells."""
    read = {file: read_cvat(place.root / file, place.pictures) for file in files}
    parts = [
        (subset if role_of_name(subset) else _part(file), _from_folder(image, file))
        for file, found in read.items()
        for image, subset in zip(found.images, found.subsets, strict=True)
    ]
    names = dict.fromkeys(name for found in read.values() for name in found.names)
    return _labelled(f"CVAT XML, {shown_files(files)}", place, parts, names)


def label_studio(place: Place, files: Sequence[str]) -> Layout:
    """Label Studio's JSON."""
    parts = [
        (_part(file), image)
        for file in files
        for image in read_label_studio(place.root / file, take="annotations")
    ]
    return _labelled(f"Label Studio JSON, {shown_files(files)}", place, parts, names_in(i for _, i in parts))


def labelme(place: Place, files: Sequence[str]) -> Layout:
    """labelme's JSON; a split is a folder."""
    images = read_labelme([place.root / file for file in files], place.root)
    parts = [(role_of_folder(file) or ALL, image) for file, image in zip(files, images, strict=True)]
    return _labelled(f"labelme JSON, {len(files)} files", place, parts, names_in(images))


def csv(place: Place, files: Sequence[str]) -> Layout:
    """Tables: one of all, with or without a column for the split, or one for each split."""
    parts = [
        (split or _part(file), _from_folder(image, file))
        for file in files
        for split, image in labelled_rows(place.root / file)
    ]
    return _labelled(f"a table, {shown_files(files)}", place, parts, names_in(i for _, i in parts))


def _from_folder(image: Labelled, file: str) -> Labelled:
    """With a name that counts from the file's folder, or from the one that a split's file is called after.

    Pictures of several splits may share names.
    """
    path = PurePosixPath(file)
    folder = path.with_suffix("") if role_of_name(path.stem) else path.parent
    return replace(image, name=f"{folder}/{image.name}")


def _labelled(says: str, place: Place, parts: Iterable[tuple[str, Labelled]], names: Iterable[str]) -> Layout:
    """Pictures by split."""
    grouped: dict[str, list[Labelled]] = {}
    for split, image in parts:
        grouped.setdefault(split, []).append(image)
    load = partial(
        assemble_labelled,
        pictures=place.pictures,
        names=list(names),
        classes=place.classes,
        source=place.root,
        find_sequence=place.find_sequence,
    )
    return Layout(says, {split: partial(load, images) for split, images in grouped.items()})


def _part(file: str) -> str:
    """The split of a file of many pictures."""
    return role_of_name(PurePosixPath(file).stem) or role_of_folder(file) or ALL


def shown_files(files: Sequence[str]) -> str:
    """The first file, and how many there are more."""
    return files[0] + (f" and {len(files) - 1} more" if len(files) > 1 else "")
