"""Teledyne FLIR's thermal set of January 2022, known as FLIR ADAS v2.

Checked against the set's own readme and public descriptions of its files:
- Every split is a folder with coco.json, 8-bit JPEG in data/ and raw 16-bit TIFF in analyticsData/; the
  readme recommends coco.json over index.json, which is the annotators' unfiltered form.
- coco.json lists all 80 categories of COCO under changed names; those in CLASSES have objects. The readme's
  ids and the file's differ in places, so classes are known by name.
- `file_name` is `data/video-VIDEO-frame-NUMBER-KEY.jpg`; also `extra_info.video_id` names the recording.
- About a thousand of the test split's raw TIFF hold 8 bits (donkeymouse/ThermalChameleon, issue 2): the
  preview, not counts.
- A handful of boxes have no width.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown
from detector.data.readers.coco import annotations_from_coco
from detector.data.readers.files import Json, load_json, require_split, section
from detector.data.readers.flir_v1 import check_frames, with_picture
from detector.data.readers.header import read_header
from detector.errors import UserError

log = logging.getLogger(__name__)

SPLITS = {"train": "images_thermal_train", "val": "images_thermal_val", "test": "video_thermal_test"}
CLASSES = (
    "person",
    "bike",
    "car",
    "motor",
    "bus",
    "train",
    "truck",
    "light",
    "hydrant",
    "sign",
    "dog",
    "deer",
    "skateboard",
    "stroller",
    "scooter",
    "other vehicle",
)


@dataclass(frozen=True)
class FlirV2Source:
    """FLIR ADAS v2 under root, which is `FLIR_ADAS_v2` or the folder that holds it.

    frames: `16bit` reads the raw counts, `8bit` the preview that the camera's own gain control made.
    classes: which to learn, in label order; None takes those of CLASSES.
    """

    root: Path | str
    frames: str
    classes: Sequence[str] | None

    def __post_init__(self) -> None:
        check_frames(self.frames)

    def splits(self) -> tuple[str, ...]:
        return tuple(split for split in SPLITS if self._file(split).is_file())

    def load(self, split: str) -> Annotations:
        """One of train, val and test; raw frames that hold 8 bits are left out with one warning.

        Raises UserError as `annotations_from_coco` does, and where no raw frame holds more than 8 bits.
        """
        file = self._file(split)
        require_split(Path(self.root), file, split, self.splits())
        document = load_json(file)
        folder, suffix = ("analyticsData", ".tiff") if self.frames == "16bit" else ("data", ".jpg")
        images = [
            {**image, "file_name": with_picture(image, folder, suffix), "sequence": _sequence(image)}
            for image in section(document, "images", file)
        ]
        classes = _listed(document) if self.classes is None else self.classes
        annotations = annotations_from_coco(
            {**document, "images": images}, file, file.parent, root=file.parent, classes=classes
        )
        return _without_previews(annotations, file) if self.frames == "16bit" else annotations

    def _file(self, split: str) -> Path:
        root = Path(self.root)
        root = root / "FLIR_ADAS_v2" if (root / "FLIR_ADAS_v2").is_dir() else root
        return root / SPLITS.get(split, split) / "coco.json"


def _sequence(image: Json) -> str | None:
    """The recording, from the picture's name or else from what is noted beside it."""
    name = image.get("file_name")
    match = re.search(r"video-([^/]+?)-frame-", name) if isinstance(name, str) else None
    if match:
        return match[1]
    extra = image.get("extra_info")
    video = extra.get("video_id") if isinstance(extra, dict) else None
    return video if isinstance(video, str) else None


def _listed(document: Json) -> list[str] | None:
    """Those of CLASSES that the document lists, or None, all it lists, where there are none."""
    categories = document.get("categories")
    names = [
        category.get("name")
        for category in (categories if isinstance(categories, list) else [])
        if isinstance(category, dict)
    ]
    return [name for name in CLASSES if name in names] or None


def _without_previews(annotations: Annotations, file: Path) -> Annotations:
    """Without frames of 8 bits: their counts are of another kind than those of the rest."""
    deep = [read_header(record.path).bits > 8 for record in annotations.records]
    if not any(deep):
        raise UserError(f"{file}: all raw frames hold 8 bits only; use data.source.frames=8bit")
    shallow = [r.path.name for r, keep in zip(annotations.records, deep, strict=True) if not keep]
    if shallow:
        log.warning(
            "%s: %d of %d raw frames hold 8 bits and are left out: %s",
            file,
            len(shallow),
            len(deep),
            shown(shallow, 2),
        )
    kept = tuple(r for r, keep in zip(annotations.records, deep, strict=True) if keep)
    return replace(annotations, records=kept)
