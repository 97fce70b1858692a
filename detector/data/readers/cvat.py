"""CVAT's own XML, version 1.1: "CVAT for images" and "CVAT for video".

Checked against the format's page in CVAT's documentation and against files of datumaro. Edges are pixels
counted from 0. `<image name width height subset>` holds the shapes of one picture: <box xtl ytl xbr ybr
rotation>, <polygon points>, <mask left top width height>, <ellipse cx cy rx ry>; of all but boxes the
surrounding box is taken, of turned ones too. What surrounds nothing (lines, points, cuboids, skeletons) is
left out with one warning. An image without shapes is a picture without objects. Videos: see cvat_video.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from detector.data.annotations import Annotations
from detector.data.readers.assemble import brief, sequence_finder
from detector.data.readers.cvat_shapes import SHAPES, box_of, label_of, size_of
from detector.data.readers.cvat_video import video_frames
from detector.data.readers.files import (
    SPLIT,
    check_pattern,
    pictures_under,
    place_of,
    require_split,
    split_names,
)
from detector.data.readers.labelled import Labelled, Shape, assemble_labelled
from detector.data.readers.lookup import Pictures, pictures_in
from detector.data.readers.voc import parse_xml
from detector.errors import UserError

log = logging.getLogger(__name__)

LIMIT_MIB = 128
ONE_SUBSET = "default"
"""CVAT's own name for the subset of pictures that are in none."""


class CvatFile(NamedTuple):
    """What a file holds: class names, first those it lists, pictures, and each picture's subset."""

    names: list[str]
    images: list[Labelled]
    subsets: list[str]


@dataclass(frozen=True)
class CvatSource:
    """A data set of CVAT's XML.

    root: the data set's folder. classes: which names to learn, in label order; None takes all, in the order
    of the files' lists. annotations: the split's file under root, `{split}` standing for its name, or one
    file whose pictures say their subset. images: the folder under root that holds the pictures, which are
    found by the ends of their names. sequence_pattern: a regular expression whose one group finds the
    recording in a picture's path under `images`.
    """

    root: Path | str
    classes: Sequence[str] | None
    annotations: str
    images: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        if SPLIT in self.annotations:
            check_pattern("annotations", self.annotations)
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        """Names of the splits that exist. Raises UserError where one file of all cannot be read."""
        root = Path(self.root)
        if SPLIT in self.annotations:
            return split_names(root, self.annotations)
        file = root / self.annotations
        return tuple(sorted(set(_subsets(_document(file))))) if file.is_file() else ()

    def load(self, split: str) -> Annotations:
        """The split's truth, pictures numbered from 1 in the file's order.

        Raises UserError on malformed files, and on missing or ambiguous pictures.
        """
        root = Path(self.root)
        several = SPLIT in self.annotations
        file = place_of(root, self.annotations, split)
        require_split(root, file, split, self.splits() if several else ())
        folder = place_of(root, self.images, split)
        pictures = pictures_in(folder, pictures_under(folder))
        read = read_cvat(file, pictures)
        others = [place_of(root, self.annotations, name) for name in self.splits()] if several else [file]
        names = dict.fromkeys(name for other in others for name in class_names(other))
        kept = [
            image
            for image, subset in zip(read.images, read.subsets, strict=True)
            if several or subset == split
        ]
        if not kept:
            raise UserError(f"{file}: no picture of the subset '{split}'; found {', '.join(self.splits())}")
        return assemble_labelled(
            kept,
            pictures,
            names=list(names),
            classes=self.classes,
            source=file,
            find_sequence=sequence_finder(self.sequence_pattern),
        )


def read_cvat(file: Path, pictures: Pictures) -> CvatFile:
    """The pictures of a file. pictures: those that the frames of a video are, by their order.

    Raises UserError on what is no such file, and on shapes that cannot be.
    """
    document = _document(file)
    left_out: Counter[str] = Counter()
    images = [_image(item, file, left_out) for item in document.iterfind("image")]
    subsets = _subsets(document)
    if not images:
        images = video_frames(document, file, pictures)
        subsets = [ONE_SUBSET] * len(images)
    if left_out:
        told = ", ".join(f"{count} {tag}" for tag, count in left_out.items())
        log.warning("%s: shapes that surround nothing left out: %s", file, told)
    return CvatFile(_names(document, file), images, subsets)


def class_names(file: Path) -> list[str]:
    """The classes that a file lists, and then those of its shapes that it does not list."""
    return _names(_document(file), file)


def _names(document: Element, file: Path) -> list[str]:
    listed = (item.findtext("name") for item in document.iterfind("meta//labels/label"))
    used = (
        label_of(item, str(file))
        for tag in (*SHAPES, "track")
        for item in document.iter(tag)
        if tag == "track" or item.get("label")
    )
    return list(dict.fromkeys(name for name in (*listed, *used) if name))


def _document(file: Path) -> Element:
    document = parse_xml(file, limit_mib=LIMIT_MIB)
    if document.tag != "annotations":
        raise UserError(
            f"{file}: not CVAT's XML, which begins with 'annotations': found {brief(document.tag)}"
        )
    return document


def _subsets(document: Element) -> list[str]:
    return [item.get("subset") or ONE_SUBSET for item in document.iterfind("image")]


def _image(item: Element, file: Path, left_out: Counter[str]) -> Labelled:
    name = item.get("name") or ""
    where = f"{file}: image {brief(name)}"
    if not name:
        raise UserError(f"{where}: has no name")
    shapes = []
    for count, shape in enumerate(item, 1):
        place = f"{where}: shape {count}"
        if shape.tag in SHAPES:
            shapes.append(Shape(label_of(shape, place), box_of(shape, place), f"{name} shape {count}"))
        elif shape.tag != "tag":
            left_out[str(shape.tag)] += 1
    return Labelled(name, size_of(item, where), shapes, where)
