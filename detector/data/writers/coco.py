"""Writing COCO detection files, https://cocodataset.org/#format-data, as `CocoSource` reads them.

An ignored region is `iscrowd` = 1 of its class. One without class becomes a crowd of every class at the
same place: what every COCO program understands, without a class that is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from detector.data.annotations import Annotations, ImageRecord
from detector.data.writers.frames import save_frames
from detector.data.writers.output import Place, fresh_folder, placed_splits, tell_colours
from detector.structures import IGNORE_LABEL, Frame

Json = dict[str, Any]


def write_coco(splits: Mapping[str, Annotations], output: Path, *, place: Place) -> None:
    """annotations/SPLIT.json and SPLIT/ with the pictures, in sub folders where they had some.

    `output` appears when all of it is written. Raises UserError as `fresh_folder` and `place` do.
    """
    with fresh_folder(output) as folder:
        for split, annotations, names in placed_splits(splits, folder, place=place):
            _write(folder, split, annotations, names)


def write_coco_references(splits: Mapping[str, Annotations], output: Path) -> None:
    """annotations/SPLIT.json only, naming the pictures where they are, by absolute path.

    Nothing is copied however many splits share a picture, and links need no support of the system. Our own
    reader follows them into the folder that the user names as `data.source.images`, and into no other.
    Raises UserError as `fresh_folder`.
    """
    with fresh_folder(output) as folder:
        for split, annotations in splits.items():
            names = [record.path.absolute().as_posix() for record in annotations.records]
            _write(folder, split, annotations, names)
    tell_colours(splits)


def write_coco_frames(
    splits: Mapping[str, Annotations], output: Path, *, frames: Mapping[str, Iterable[Frame]]
) -> None:
    """As `write_coco`, with pictures of their own: for each split a frame per record, in their order.

    The pictures have the names of the records' and what `save_frames` makes of them; frames are taken one by
    one. Raises UserError as `fresh_folder` and `save_frames` do, and whatever `frames` raise.
    """
    with fresh_folder(output) as folder:
        for split, annotations in splits.items():
            pictures = [record.path for record in annotations.records]
            names = save_frames(frames[split], pictures, folder / split)
            _write(folder, split, annotations, [name.as_posix() for name in names])


def coco_document(annotations: Annotations, file_names: Sequence[str]) -> Json:
    """The annotations in COCO's form, with `file_names` for the pictures in their order.

    Image records carry `sequence` where it is known. Annotation ids count from 1: pycocotools takes a match
    with id 0 for no match.
    """
    everyone = annotations.category_ids
    entries: list[Json] = []
    for record in annotations.records:
        rows = zip(record.boxes.tolist(), record.labels.tolist(), record.ignored.tolist(), strict=True)
        for (x1, y1, x2, y2), label, ignored in rows:
            for category in everyone if label == IGNORE_LABEL else (everyone[label],):
                entries.append(
                    {
                        "id": len(entries) + 1,
                        "image_id": record.image_id,
                        "category_id": category,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "area": (x2 - x1) * (y2 - y1),
                        "iscrowd": int(ignored or label == IGNORE_LABEL),
                    }
                )
    return {
        "images": [
            _image(record, name) for record, name in zip(annotations.records, file_names, strict=True)
        ],
        "annotations": entries,
        "categories": [
            {"id": category, "name": name}
            for category, name in zip(everyone, annotations.classes, strict=True)
        ],
    }


def _image(record: ImageRecord, name: str) -> Json:
    image: Json = {
        "id": record.image_id,
        "file_name": name,
        "width": record.width,
        "height": record.height,
    }
    return image if record.sequence is None else {**image, "sequence": record.sequence}


def _write(folder: Path, split: str, annotations: Annotations, file_names: Sequence[str]) -> None:
    ids = annotations.category_ids
    if any(one >= other for one, other in pairwise(ids)):
        # Readers put classes in the order of their ids, and labels must stay what they are.
        annotations = replace(annotations, category_ids=tuple(range(1, len(ids) + 1)))
    file = folder / "annotations" / f"{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(coco_document(annotations, file_names)))
