"""COCO files, wherever they and their pictures lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path, PurePosixPath

from detector.data.annotations import Annotations
from detector.data.auto.layouts import Layout, Place, shown_files
from detector.data.auto.roles import role_of_name
from detector.data.readers.assemble import brief, shown
from detector.data.readers.coco import annotations_from_coco
from detector.data.readers.coco_categories import Classes, set_classes
from detector.data.readers.files import Json, load_json, section
from detector.data.readers.header import read_header
from detector.errors import UserError


def coco(place: Place, files: Sequence[str]) -> Layout:
    """A split for each file, called after it, or after its folder or path where files have the same name."""
    paths = [PurePosixPath(file) for file in files]
    names = [path.name.partition(".")[0] for path in paths]
    if len(set(names)) < len(names):
        names = [path.parent.name for path in paths]
    if len(set(names)) < len(names):
        names = list(files)
    known = cache(lambda: set_classes(place.root / file for file in files))
    splits = {name: partial(_load, place, file, name, known) for name, file in zip(names, files, strict=True)}
    return Layout(f"COCO, {shown_files(files)}", splits)


def _load(place: Place, file: str, split: str, known: Callable[[], Classes]) -> Annotations:
    """One file, with every picture's place in its `file_name`."""
    path = place.root / file
    document = load_json(path)
    images = []
    missing = []
    found: Counter[str] = Counter()
    for image in section(document, "images", path):
        name = image.get("file_name")
        if not isinstance(name, str) or not name:
            images.append(image)  # an error of the file's
            continue
        key = _key(place, name, PurePosixPath(file), split)
        if key is None:
            missing.append(name)
        else:
            found[key] += 1
            images.append(_placed(place, image, key, path))
    if missing:
        total = len(images) + len(missing)
        raise UserError(
            f"{path}: {len(missing)} of {total} pictures are missing: {shown(missing, 3)}; for pictures in "
            "another folder give data=coco data.source.images=FOLDER"
        )
    if place.manifest and found.total() > len(found):
        # A tool's altered copies of one frame have boxes of their own.
        key, count = found.most_common(1)[0]
        raise UserError(f"{path}: {count} of its pictures are {key}: export each frame once, not augmented")
    return annotations_from_coco(
        {**document, "images": images},
        path,
        place.root,
        root=place.root,
        classes=place.classes,
        known=known(),
    )


def _placed(place: Place, image: Json, key: str, path: Path) -> Json:
    """The image record with the picture's own path, and its recording where it is not told."""
    picture = place.pictures.paths[key]
    image = {**image, "file_name": picture.absolute().as_posix()}
    if image.get("sequence") is None:
        image["sequence"] = place.find_sequence(key)
    told = image.get("width"), image.get("height")
    if place.manifest and told != (None, None):
        header = read_header(picture)
        if told != (header.width, header.height):
            raise UserError(
                f"{path}: {key} was labelled at {brief(told[0])}x{brief(told[1])} pixels, but "
                f"{picture} has {header.width}x{header.height}: export without resizing"
            )
    return image


def _key(place: Place, name: str, file: PurePosixPath, split: str) -> str | None:
    """What `place.pictures` calls a picture: where sets use to have it, or else by the end of its name."""
    name = PurePosixPath(name.replace("\\", "/")).as_posix()
    if not place.manifest:
        top = file.parent.parent
        folders = (file.parent, top, top / "images")
        # instances_train2017.json has its pictures in train2017.
        for names in ((split,), (split.rpartition("_")[2],), (role_of_name(split) or split,), ()):
            for folder in folders:
                key = place.pictures.key(folder.joinpath(*names, name).as_posix())
                if key is not None:
                    return key
    found = place.pictures.find(name, where=f"{place.root / file}")
    return None if found is None else place.pictures.key_of[found]
