"""COCO files, wherever they and their pictures lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from detector.data.annotations import Annotations
from detector.data.auto.layouts import ALL, Layout, Place, shown_files
from detector.data.auto.roles import role_of_name
from detector.data.readers.assemble import shown
from detector.data.readers.coco import annotations_from_coco, section
from detector.data.readers.files import load_json
from detector.errors import UserError


def coco(place: Place, files: Sequence[str]) -> Layout:
    """A split for each file, called after it, or after its folder where all files have one name."""
    stems = [PurePosixPath(file).name.partition(".")[0] for file in files]
    several = len(files) > 1 and len(set(stems)) < len(stems)
    splits: dict[str, Callable[[], Annotations]] = {}
    for file, stem in zip(files, stems, strict=True):
        name = (PurePosixPath(file).parent.name if several else stem) or ALL
        if name in splits:
            raise UserError(
                f"{place.root}: {file} is not the only COCO file of split '{name}': remove one, "
                f"or use data=coco with data.source.annotations; found {shown(files)}"
            )
        splits[name] = partial(_load, place, file, name)
    return Layout(f"COCO, {shown_files(files)}", splits)


def _load(place: Place, file: str, split: str) -> Annotations:
    """One file, with every picture's place in its `file_name`."""
    path = place.root / file
    document = load_json(path)
    images = []
    missing = []
    for image in section(document, "images", path):
        name = image.get("file_name")
        if isinstance(name, str) and name and not (place.outside and Path(name).is_absolute()):
            key = _key(place, name, PurePosixPath(file), split)
            if key is None:
                missing.append(name)
                continue
            sequence = image.get("sequence")
            image = {
                **image,
                "file_name": place.pictures.paths[key].absolute().as_posix(),
                "sequence": place.find_sequence(key) if sequence is None else sequence,
            }
        images.append(image)
    if missing:
        total = len(images) + len(missing)
        raise UserError(f"{path}: {len(missing)} of {total} pictures are missing: {shown(missing, 3)}")
    return annotations_from_coco({**document, "images": images}, path, place.root, classes=place.classes)


def _key(place: Place, name: str, file: PurePosixPath, split: str) -> str | None:
    """What `place.pictures` calls a picture: where sets use to have it, or else by the end of its name."""
    paths = place.pictures.paths
    name = PurePosixPath(name.replace("\\", "/")).as_posix()
    if not place.manifest:
        top = file.parent.parent
        folders = (file.parent, top, top / "images")
        for names in ((split,), (role_of_name(split) or split,), ()):
            for folder in folders:
                key = folder.joinpath(*names, name).as_posix()
                if key in paths:
                    return key
    found = place.pictures.find(name, where=f"{place.root / file}")
    return None if found is None else place.pictures.key_of[found]
