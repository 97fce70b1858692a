"""Writing labelme's JSON, one file beside each picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from detector.data.annotations import Annotations, ImageRecord
from detector.data.writers.output import (
    Place,
    fresh_folder,
    placed_splits,
    require_own_stems,
    warn_of_losses,
)

VERSION = "5.0.0"
"""The oldest labelme that reads the files; newer ones convert them."""


def write_labelme(splits: Mapping[str, Annotations], output: Path, *, place: Place) -> None:
    """SPLIT/NAME.json beside SPLIT/NAME.png: open the folder SPLIT in labelme.

    Ignored regions and recordings are left out with one warning. `output` appears when all of it is written.
    Raises UserError where two pictures would share a file, and as `fresh_folder` and `place` do.
    """
    with fresh_folder(output) as folder:
        for split, annotations, names in placed_splits(splits, folder, place=place):
            stems = [PurePosixPath(name).with_suffix("").as_posix() for name in names]
            require_own_stems([record.path for record in annotations.records], stems, suffix=".json")
            for record, name, stem in zip(annotations.records, names, stems, strict=True):
                document = labelme_document(record, annotations.classes, PurePosixPath(name).name)
                (folder / split / f"{stem}.json").write_text(json.dumps(document, indent=2))
    warn_of_losses("labelme's files", splits)


def labelme_document(record: ImageRecord, classes: Sequence[str], file_name: str) -> dict[str, Any]:
    """A picture's file; file_name: its path from there. The picture itself is not put in."""
    shapes = [
        {
            "label": classes[label],
            "points": [box[:2], box[2:]],
            "group_id": None,
            "description": "",
            "shape_type": "rectangle",
            "flags": {},
        }
        for box, label in zip(record.boxes[record.real].tolist(), record.labels[record.real], strict=True)
    ]
    return {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": file_name,
        "imageData": None,
        "imageHeight": record.height,
        "imageWidth": record.width,
    }
