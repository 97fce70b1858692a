"""COCO detection files, as https://cocodataset.org/#format-data describes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.readers.assemble import (
    MAX_SIDE,
    GroundTruth,
    Picture,
    assemble,
    brief,
    folded,
    sequence_finder,
    shown,
)
from detector.data.readers.coco_categories import (
    Classes,
    Id,
    classes_of,
    id_of,
    numbered,
    read_categories,
    set_classes,
)
from detector.data.readers.coco_plain import annotations_of, read_plain
from detector.data.readers.coco_shapes import box_of
from detector.data.readers.files import (
    Json,
    check_pattern,
    load_json,
    place_of,
    require_split,
    section,
    split_names,
)
from detector.data.readers.header import read_header
from detector.data.readers.picture_folder import PictureFolder
from detector.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CocoSource:
    """A data set of COCO files.

    root: the data set's folder. classes: which categories to learn, in label order; None takes all that the
    file of any split lists, by id. annotations, images: where a split's file and pictures lie under root;
    `{split}` stands for its name. Only an absolute `images` leads out of the root, and so may a `file_name`
    that lies in it.
    sequence_pattern: a regular expression whose one group finds the recording in a picture's `file_name`,
    for files whose image records give no `sequence`.
    """

    root: Path | str
    classes: Sequence[str] | None
    annotations: str
    images: str
    sequence_pattern: str | None

    def __post_init__(self) -> None:
        check_pattern("annotations", self.annotations)
        sequence_finder(self.sequence_pattern)

    def splits(self) -> tuple[str, ...]:
        return split_names(Path(self.root), self.annotations)

    def load(self, split: str) -> Annotations:
        """Raises UserError as `annotations_from_coco` does, and where root or split is missing."""
        root = Path(self.root)
        file = place_of(root, self.annotations, split)
        require_split(root, file, split, self.splits())
        plain = read_plain(file)
        known = set_classes(
            (place_of(root, self.annotations, name) for name in self.splits()),
            known={file: plain.listed} if plain else None,
        )
        folder = place_of(root, self.images, split)
        find_sequence = sequence_finder(self.sequence_pattern)
        usual = plain and annotations_of(
            plain, file, folder, classes=self.classes, known=known, find_sequence=find_sequence
        )
        return usual or annotations_from_coco(
            load_json(file),
            file,
            folder,
            root=root,
            classes=self.classes,
            sequence_pattern=self.sequence_pattern,
            known=known,
            images_key="data.source.images",
        )


def annotations_from_coco(
    document: Json,
    file: Path,
    image_dir: Path,
    *,
    root: Path,
    classes: Sequence[str] | None,
    classless: Sequence[str] = (),
    sequence_pattern: str | None = None,
    known: Classes | None = None,
    images_key: str | None = None,
) -> Annotations:
    """The truth in a COCO document, with every picture's presence checked.

    root: the set's folder, out of which no `file_name` leads. Boxes and classes as `assemble` takes them; an
    object without bbox has the box around its segmentation. `iscrowd` = 1 makes an ignored region of its
    class. An image record's `sequence`, where given, is kept; `sequence_pattern` finds that of the others.
    classless: names of categories that mark regions to ignore. known: the classes of the whole set; None:
    those of the document. images_key: the setting that says where pictures lie, for messages. Ids may be
    words. Records of one file are one picture.
    Raises UserError on malformed or empty files, non-finite boxes, unknown classes and missing pictures.
    """
    by_id = _images_by_id(document, file)
    listed = read_categories(document, file)
    known = classes_of([listed]) if known is None else known
    numbers, names = numbered(listed, known)
    categories = {key: name for key, name in names.items() if name not in classless}
    frames = {key: (image.get("height"), image.get("width")) for key, image in by_id.items()}
    called = {folded(category.name): category.key for category in listed}
    truths = _truths_by_image(document, file, numbers, called, set(categories), frames)
    folder = PictureFolder(image_dir, root, key=images_key)
    find_sequence = sequence_finder(sequence_pattern)
    pictures = {
        key: _picture(image, key, truths.get(key, ()), file, folder, find_sequence)
        for key, image in by_id.items()
    }
    strays = truths.keys() - pictures.keys()
    if strays:
        named = shown(sorted(map(str, strays)))
        raise UserError(f"{file}: annotations name image ids that are not listed: {named}")
    names_asked = [name for name in known.names if name not in classless] if classes is None else classes
    found = _one_for_each_file(pictures, file)
    return assemble(found, categories, classes=names_asked, source=file, remedy=folder.if_missing)


def _images_by_id(document: Json, file: Path) -> dict[Id, Json]:
    """The image records, at least one."""
    images = section(document, "images", file)
    if not images:
        raise UserError(f"{file}: the split is empty (no images)")
    by_id: dict[Id, Json] = {}
    for image in images:
        key = id_of(image, "id", f"{file}: image")
        if by_id.setdefault(key, image) is not image:
            raise UserError(f"{file}: image id {key} is listed twice")
    return by_id


def _truths_by_image(
    document: Json,
    file: Path,
    numbers: Mapping[Id, int],
    called: Mapping[str, Id],
    categories: set[int],
    frames: Mapping[Id, tuple[object, object]],
) -> dict[Id, list[GroundTruth]]:
    """Objects by image id; those of categories that are no class have none."""
    grouped: dict[Id, list[GroundTruth]] = {}
    for item in section(document, "annotations", file):
        place = f"annotation {_label(item)}"
        where = f"{file}: {place}"
        key = id_of(item, "category_id", where)
        if key not in numbers and isinstance(key, str):  # some write the name instead
            key = called.get(folded(key), key)
        if key not in numbers:
            raise UserError(f"{where}: unknown category_id {key}; 'categories' lists {_listed(numbers)}")
        crowd = item.get("iscrowd")
        crowd = 0 if crowd is None else int(crowd) if crowd in ("0", "1") else crowd
        if not isinstance(crowd, int | float) or crowd not in (0, 1):
            raise UserError(f"{where}: iscrowd must be 0 or 1, found {brief(crowd)}")
        category = numbers[key] if numbers[key] in categories else None
        image = id_of(item, "image_id", where)
        box = box_of(item, where, frame=frames.get(image, (None, None)))
        grouped.setdefault(image, []).append(GroundTruth(category, box, bool(crowd), place))
    return grouped


def _picture(
    image: Json,
    key: Id,
    truths: Sequence[GroundTruth],
    file: Path,
    folder: PictureFolder,
    find_sequence: Callable[[str], str | None],
) -> Picture:
    """With id 0 where the file's is a word."""
    where = f"{file}: image {key}"
    if "file_name" not in image:
        raise UserError(
            f"{where} has no 'file_name'; found {shown((word[:40] for word in sorted(image)), 8)}"
        )
    name = image["file_name"]
    if not isinstance(name, str) or not name:
        raise UserError(f"{where}: file_name must be text, found {brief(name)}")
    sequence = image.get("sequence")
    if sequence is None:
        sequence = find_sequence(name)
    elif isinstance(sequence, bool) or not isinstance(sequence, str | int):
        raise UserError(f"{where}: sequence must be text or a whole number, found {brief(sequence)}")
    path = folder.path(name, where)
    width, height = _size(image, path, where)
    return Picture(
        image_id=key if isinstance(key, int) else 0,
        path=path,
        width=width,
        height=height,
        truths=truths,
        sequence=None if sequence is None else str(sequence),
        names=() if isinstance(key, int) else (key,),
    )


def _one_for_each_file(pictures: Mapping[Id, Picture], file: Path) -> list[Picture]:
    """Records of one file put together; those whose id is a word get numbers that no other has, from 1 on."""
    grouped: dict[Path, list[Picture]] = {}
    for picture in pictures.values():
        grouped.setdefault(picture.path, []).append(picture)
    unused = (number for number in count(1) if number not in pictures)
    found = []
    for group in grouped.values():
        first = group[0]
        if len({(one.width, one.height) for one in group}) > 1:
            raise UserError(f"{file}: {first.path.name} is listed with different sizes")
        if first.names:
            first = replace(first, image_id=next(unused))
        if len(group) > 1:
            truths = _without_repeats([truth for one in group for truth in one.truths])
            names = [name for one in group for name in one.names or (str(one.image_id),)]
            first = replace(first, truths=truths, names=tuple(names))
        found.append(first)
    several = [group[0].path.name for group in grouped.values() if len(group) > 1]
    if several:
        log.warning(
            "%s: %d pictures have several image ids, each is read once with the boxes of all: %s",
            file,
            len(several),
            shown(several, 3),
        )
    return found


def _without_repeats(truths: Sequence[GroundTruth]) -> list[GroundTruth]:
    """The first of those that are alike but for their place in the file."""
    first: dict[GroundTruth, GroundTruth] = {}
    for truth in truths:
        first.setdefault(truth._replace(place=""), truth)
    return list(first.values())


def _size(image: Json, path: Path, where: str) -> tuple[int, int]:
    """Width and height as told, or else as the picture has them."""
    told = [image.get(key) for key in ("width", "height")]
    told = [
        int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 9 else value
        for value in told
    ]
    if told == [None, None] and path.is_file():
        header = read_header(path)
        return header.width, header.height
    for key, value in zip(("width", "height"), told, strict=True):
        whole = type(value) is int or (type(value) is float and value.is_integer())
        if not whole or not 0 < value <= MAX_SIDE:  # type: ignore[operator]
            raise UserError(f"{where}: {key} must be a whole number of pixels, found {brief(value)}")
    width, height = (int(value) for value in told)  # type: ignore[arg-type]
    return width, height


def _listed(ids: Iterable[Id]) -> str:
    """Numbers first."""
    return shown(sorted(ids, key=lambda one: (isinstance(one, str), one if isinstance(one, int) else 0)), 100)


def _label(item: Json) -> str:
    """How messages call an annotation: by its id, which need not be sound."""
    key = item.get("id", "?")
    if type(key) is int:
        return str(key)
    return key if isinstance(key, str) and key.isprintable() and len(key) < 60 else brief(key)
