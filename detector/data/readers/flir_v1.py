"""FLIR's thermal starter set of 2018 and its later edition 1.3, known as FLIR ADAS v1.

Checked against the set's own readme of 31 July 2018 and public readers of both editions:
- Edition 1.3 has one file for a split, SPLIT/thermal_annotations.json (COCO), whose `file_name` is
  `thermal_8_bit/FLIR_00001.jpeg`; the first edition has one for each picture, Annotations/*.json, with
  `annotation` (a list, ids from 1 in every picture) and `image`.
- The 14-bit counts lie as 16-bit TIFF beside the 8-bit preview: thermal_16_bit, or Data beside PreviewData.
- Category ids are 1, 2, 3, 18 and 91, with gaps; their names are the readme's. Edition 1.3 lists all of COCO
  under its own ids and has its dogs at 17.
- `video` is one recording of 144 seconds, 4,224 frames. Which recording a frame of the other splits comes
  from is not told; the readme says that each lies in one split.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown
from detector.data.readers.coco import annotations_from_coco
from detector.data.readers.files import Json, load_json, require_split, section
from detector.errors import UserError

log = logging.getLogger(__name__)

CATEGORIES = {1: "person", 2: "bicycle", 3: "car", 18: "dog", 91: "other vehicle"}
FRAMES = ("16bit", "8bit")


class _Edition(NamedTuple):
    """Names of folders: of each split, and of the pictures by FRAMES; annotations is a file or a folder."""

    splits: dict[str, str]
    annotations: str
    pictures: dict[str, str]


_FIRST = _Edition(
    {"train": "training", "val": "validation", "video": "Video"},
    "Annotations",
    {"16bit": "Data", "8bit": "PreviewData"},
)
_LATER = _Edition(
    {"train": "train", "val": "val", "video": "video"},
    "thermal_annotations.json",
    {"16bit": "thermal_16_bit", "8bit": "thermal_8_bit"},
)
_SUFFIX = {"16bit": ".tiff", "8bit": ".jpeg"}


@dataclass(frozen=True)
class FlirV1Source:
    """FLIR ADAS v1, either edition, under root, which is `FLIR_ADAS_1_3` or the folder that holds it.

    frames: `16bit` reads the raw counts, `8bit` the preview that the camera's own gain control made.
    """

    root: Path | str
    frames: str
    classes: Sequence[str] | None

    def __post_init__(self) -> None:
        check_frames(self.frames)

    def splits(self) -> tuple[str, ...]:
        return tuple(split for split in _LATER.splits if self._find(split)[1].exists())

    def load(self, split: str) -> Annotations:
        """One of train, val and video. Objects of other categories are left out with one warning.

        Raises UserError as `annotations_from_coco` does.
        """
        edition, place = self._find(split)
        require_split(Path(self.root), place, split, self.splits())
        document = _merged(place) if edition is _FIRST else load_json(place)
        folder = edition.pictures[self.frames]
        images = [
            {
                **image,
                "file_name": with_picture(image, folder, _SUFFIX[self.frames]),
                "sequence": "video" if split == "video" else None,
            }
            for image in section(document, "images", place)
        ]
        document = {**_with_known_categories(document, place), "images": images}
        return annotations_from_coco(document, place, place.parent, root=place.parent, classes=self.classes)

    def _find(self, split: str) -> tuple[_Edition, Path]:
        """The edition that is there, or else the later one, and the place of the split's annotations."""
        root = Path(self.root)
        root = root / "FLIR_ADAS_1_3" if (root / "FLIR_ADAS_1_3").is_dir() else root
        places = [
            (edition, root / edition.splits.get(split, split) / edition.annotations)
            for edition in (_LATER, _FIRST)
        ]
        return next((found for found in places if found[1].exists()), places[0])


def check_frames(frames: object) -> None:
    """Raises UserError unless it is one of FRAMES."""
    if frames not in FRAMES:
        raise UserError(f"data.source.frames={frames}: must be {' or '.join(FRAMES)}")


def with_picture(image: Json, folder: str, suffix: str) -> Any:
    """The image record's `file_name` with its folder and suffix replaced; one that is no text as it is."""
    name = image.get("file_name")
    return f"{folder}/{Path(name).stem}{suffix}" if isinstance(name, str) else name


def _merged(folder: Path) -> Json:
    """One document of the first edition's files, images numbered from 1 in their order.

    The readme gives every picture 640x512 pixels, which a file that is silent about it is taken to mean.
    """
    images: list[Json] = []
    items: list[Json] = []
    for number, file in enumerate(sorted(folder.glob("*.json")), 1):
        document = load_json(file)
        image = document.get("image")
        if not isinstance(image, dict):
            raise UserError(f"{file}: 'image' must be an object, as in FLIR ADAS v1")
        picture = {"width": 640, "height": 512, **image, "id": number, "file_name": f"{file.stem}.jpeg"}
        images.append(picture)
        for count, item in enumerate(section(document, "annotation", file), 1):
            items.append({**item, "id": f"{count} of {file.name}", "image_id": number})
    return {"images": images, "annotations": items}


def _with_known_categories(document: Json, file: Path) -> Json:
    """The document with CATEGORIES, and of its objects those that belong to them.

    An id that the readme does not know stands for the category that the file itself gives it, if its name
    is one of the readme's.
    """
    ids = {name: key for key, name in CATEGORIES.items()}
    listed = document.get("categories")
    meaning = {key: key for key in CATEGORIES}
    for category in listed if isinstance(listed, list) else []:
        if isinstance(category, dict) and type(category.get("id")) is int:
            name = category.get("name")
            if isinstance(name, str) and name in ids:
                meaning.setdefault(category["id"], ids[name])
    kept: list[Json] = []
    unknown: Counter[int] = Counter()
    for item in section(document, "annotations", file):
        key = item.get("category_id")
        if type(key) is int and key not in meaning:
            unknown[key] += 1
        else:
            # What is no whole number goes on, to be refused with its place.
            kept.append({**item, "category_id": meaning[key]} if type(key) is int else item)
    if unknown:
        log.warning(
            "%s: %d objects of other categories than %s left out: category ids %s",
            file,
            unknown.total(),
            ", ".join(CATEGORIES.values()),
            shown(sorted(unknown)),
        )
    categories = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
    return {**document, "annotations": kept, "categories": categories}
