"""Pascal VOC: one XML file for each picture, and lists of the pictures in each split.

Checked against the VOC 2012 development kit's rules as public issues quote them, and public readers:
ImageSets/Main/SPLIT.txt names a picture per line, JPEGImages/NAME.jpg and Annotations/NAME.xml belong to it;
objects with `difficult` 1 are not evaluated; `part` elements inside an object have names and boxes of their
own.

The kit counts pixels from 1 and names the first and last pixel inside the object, so the object covers
xmin - 1 to xmax. LabelImg and CVAT write the same elements with edges counted from 0 instead (LabelImg
writes 1 for 0); `coordinates: edges` takes those as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    GroundTruth,
    Picture,
    assemble,
    brief,
    checked_name,
    sequence_finder,
    shown,
)
from detector.data.readers.files import (
    check_pattern,
    picture_names,
    place_of,
    read_text,
    require_split,
    split_names,
)
from detector.data.readers.header import read_header
from detector.data.readers.lookup import Pictures
from detector.data.readers.voc_boxes import box_of, text_of
from detector.errors import UserError

LIMIT_MIB = 8
COORDINATES = ("pixels", "edges")
_FLAGGED = re.compile(r"(.*\S)\s+(?:-1|0|1)")


@dataclass(frozen=True)
class VocSource:
    """A data set of Pascal VOC files.

    root: the folder that holds the ones below. classes: which names to learn, in label order; None takes all
    that stand in the annotations of any split, by alphabet. lists: the files that name each split's pictures,
    `{split}` standing for its name; None takes every picture of `images`, which then needs `{split}`.
    images, annotations: folders under root, where `{split}` may stand.
    coordinates: `pixels` as in VOC itself, `edges` as LabelImg and CVAT write them (see the module).
    sequence_pattern: a regular expression whose one group finds the recording in a picture's name.
    """

    root: Path | str
    classes: Sequence[str] | None
    lists: str | None
    images: str
    annotations: str
    coordinates: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        if self.lists is None:
            check_pattern("images", self.images)
        else:
            check_pattern("lists", self.lists)
        if self.coordinates not in COORDINATES:
            raise UserError(f"data.source.coordinates={self.coordinates}: must be {' or '.join(COORDINATES)}")
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        names = split_names(Path(self.root), self.lists or self.images, folders=self.lists is None)
        # VOC's own lists of single classes, such as car_train beside train, are no splits.
        return tuple(name for name in names if not any(name.endswith(f"_{other}") for other in names))

    def load(self, split: str) -> Annotations:
        """Raises UserError as `read_voc` does, and where root, split or a listed picture is missing."""
        root = Path(self.root)
        place = place_of(root, self.lists or self.images, split)
        require_split(root, place, split, self.splits())
        folder = place_of(root, self.images, split)
        pictures = picture_names(folder)
        if self.lists is not None:
            pictures = _listed(place, pictures, folder)
        return read_voc(
            pictures,
            xml_files(pictures, place_of(root, self.annotations, split)),
            source=place,
            names=_all_names([place_of(root, self.annotations, name) for name in self.splits()]),
            classes=self.classes,
            coordinates=self.coordinates,
            find_sequence=sequence_finder(self.sequence_pattern),
        )


def read_voc(
    pictures: Mapping[str, Path],
    files: Mapping[str, Path],
    *,
    source: Path,
    names: Sequence[str],
    coordinates: str,
    find_sequence: Callable[[str], str | None],
    classes: Sequence[str] | None = None,
) -> Annotations:
    """The truth of pictures given by name, from the XML files given by the same names.

    names: all class names, whose ids are their places from 1. Images are numbered from 1 in the order given.
    Boxes and classes as `assemble` takes them; `difficult` objects are ignored regions of their class.
    Raises UserError on malformed or missing files, and on a size other than the picture's.
    """
    missing = [files[name] for name in pictures if not files[name].is_file()]
    if missing:
        raise UserError(
            f"{source}: {len(missing)} of {len(pictures)} annotation files are missing: {shown(missing, 3)}"
        )
    ids = {name: key for key, name in enumerate(names, 1)}
    found = []
    for number, (name, path) in enumerate(pictures.items(), 1):
        file = files[name]
        root = parse_xml(file, limit_mib=LIMIT_MIB)
        header = read_header(path)
        _require_size(root, header.width, header.height, file)
        truths = [
            _truth(item, ids, coordinates, file, count)
            for count, item in enumerate(root.findall("object"), 1)
        ]
        found.append(Picture(number, path, header.width, header.height, truths, find_sequence(name)))
    return assemble(found, {key: name for name, key in ids.items()}, classes=classes, source=source)


def xml_files(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """NAME.xml in a folder, by name."""
    return {name: folder / f"{name}.xml" for name in names}


def names_in_files(files: Iterable[Path]) -> list[str]:
    """The class names of all objects in some XML files, by alphabet."""
    names: set[str] = set()
    for file in files:
        objects = enumerate(parse_xml(file, limit_mib=LIMIT_MIB).findall("object"), 1)
        names.update(_name(item, f"{file}: object {count}") for count, item in objects)
    return sorted(names)


def guessed_coordinates(files: Sequence[Path]) -> str:
    """One of COORDINATES, by some of the files: edges where a box begins at 0 or has a fraction."""
    for file in files[:: len(files) // 100 + 1]:
        for item in parse_xml(file, limit_mib=LIMIT_MIB).iterfind("object/bndbox"):
            texts = [text_of(item, key) for key in ("xmin", "ymin", "xmax", "ymax")]
            if "0" in texts[:2] or any(re.search(r"\.\d*[1-9]|^0\.0*$", text) for text in texts):
                return "edges"
    return "pixels"


def parse_xml(file: Path, *, limit_mib: int) -> Element:
    """The root element of an XML file of at most `limit_mib` MiB.

    Document types are refused, and so entities, which can blow up a small file or name others.
    Raises UserError for these and for what is not XML.
    """

    def refuse(*_: object) -> NoReturn:
        raise UserError(f"{file}: holds a document type (DOCTYPE); annotations need none: remove it")

    # Decoded here, so that no encoding that the file names is looked up.
    text = read_text(file, limit_mib=limit_mib)
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{file}: not a readable XML file: {error}") from None
    return builder.close()


def _listed(file: Path, pictures: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """The pictures that a list names, in its order: by name, file name or path, a flag of 1, 0 or -1 behind.

    Only pictures in the folder are meant, wherever a path in the list may lead.
    """
    name_of = {path: name for name, path in pictures.items()}
    known = Pictures({path.relative_to(folder).as_posix(): path for path in pictures.values()})
    lines = enumerate(read_text(file, limit_mib=LIMIT_MIB).splitlines(), 1)
    chosen: dict[str, Path] = {}
    missing = []
    for number, line in ((number, text.strip()) for number, text in lines if text.strip()):
        path = pictures.get(line) or _named(line, known, f"{file}: line {number}")
        if path is None:
            missing.append(line)
        elif name_of[path] in chosen:
            raise UserError(f"{file}: {brief(line)} is listed twice")
        else:
            chosen[name_of[path]] = path
    if missing:
        raise UserError(
            f"{file}: {len(missing)} of {len(missing) + len(chosen)} image files are missing in {folder}: "
            f"{shown(map(brief, missing), 3)}; data.source.images says where they lie"
        )
    return chosen


def _named(line: str, pictures: Pictures, where: str) -> Path | None:
    """The picture of a line that is no name alone."""
    flagged = _FLAGGED.fullmatch(line)
    found = pictures.find(line, where=where)
    return pictures.find(flagged[1], where=where) if found is None and flagged else found


def _all_names(folders: Iterable[Path]) -> list[str]:
    """The class names in the annotations of every split, so that the splits agree on labels and ids."""
    files = (file for folder in dict.fromkeys(folders) for file in sorted(folder.rglob("*.xml")))
    return names_in_files(file for file in files if not file.name.startswith("."))


def _require_size(root: Element, width: int, height: int, file: Path) -> None:
    """Raises UserError where the file was written for a picture of another size; 0 or nothing is unknown."""
    told = [re.sub(r"\.0*$", "", text_of(root, f"size/{key}")) for key in ("width", "height")]
    if all(text not in ("", "0") for text in told) and told != [str(width), str(height)]:
        raise UserError(
            f"{file}: written for a picture of {brief('x'.join(told))} pixels, but it has {width}x{height}"
        )


def _truth(item: Element, ids: Mapping[str, int], coordinates: str, file: Path, count: int) -> GroundTruth:
    """The `count`th object of a file."""
    where = f"{file}: object {count}"
    name = _name(item, where)
    if name not in ids:
        raise UserError(f"{where}: unknown class {brief(name)}; available: {shown(ids, 100)}")
    difficult = text_of(item, "difficult")
    if difficult not in ("", "0", "1"):
        raise UserError(f"{where}: difficult must be 0 or 1, found {brief(difficult)}")
    box = box_of(item, where, first=1 if coordinates == "pixels" else 0)
    return GroundTruth(ids[name], box, difficult == "1", f"{file.name} object {count}")


def _name(item: Element, place: str) -> str:
    return checked_name(text_of(item, "name"), place)
