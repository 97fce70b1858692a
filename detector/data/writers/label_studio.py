"""Writing Label Studio's JSON, as it imports tasks with annotations or with predictions (pre-labels)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from detector.data.annotations import Annotations, ImageRecord, xywh
from detector.data.splits import common_classes
from detector.data.writers.output import Place, fresh_folder, placed_splits, warn_of_losses

Json = dict[str, Any]

NAME, PICTURE = "label", "image"
"""How the labelling interface calls the labels and the picture."""
MODEL = "thermal-detector"


def write_label_studio(
    splits: Mapping[str, Annotations], output: Path, *, place: Place, predictions: bool = False
) -> None:
    """SPLIT.json, SPLIT/ with the pictures, and label_config.xml, the labelling interface.

    predictions: as a model's, for people to correct, instead of as annotations. The pictures are named as
    local files from `output` on, which Label Studio serves where LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT is
    that folder. Ignored regions and recordings are left out with one warning.
    `output` appears when all of it is written. Raises UserError where splits differ in classes, and as
    `fresh_folder` and `place` do.
    """
    classes = common_classes(splits)
    with fresh_folder(output) as folder:
        for split, annotations, names in placed_splits(splits, folder, place=place):
            urls = [f"/data/local-files/?d={quote(f'{split}/{name}')}" for name in names]
            tasks = label_studio_tasks(annotations, urls, predictions=predictions)
            (folder / f"{split}.json").write_text(json.dumps(tasks, indent=1))
        (folder / "label_config.xml").write_text(label_config(classes), encoding="utf-8")
    warn_of_losses("Label Studio's tasks", splits)


def label_studio_tasks(
    annotations: Annotations, urls: Sequence[str], *, predictions: bool = False
) -> list[Json]:
    """A task for each picture, with `urls` for them in their order."""
    tasks = []
    for number, (record, url) in enumerate(zip(annotations.records, urls, strict=True), 1):
        result = _result(record, annotations.classes)
        answer: Json = {"annotations": [{"id": number, "result": result}]}
        if predictions:
            answer = {"predictions": [{"model_version": MODEL, "result": result}]}
        # Label Studio numbers tasks itself; converters want a number.
        tasks.append({"id": number, "data": {PICTURE: url}, **answer})
    return tasks


def label_config(classes: Sequence[str]) -> str:
    """A labelling interface for boxes of these classes."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", {"name": PICTURE, "value": f"${PICTURE}"})
    labels = ElementTree.SubElement(view, "RectangleLabels", {"name": NAME, "toName": PICTURE})
    for name in classes:
        ElementTree.SubElement(labels, "Label", {"value": name})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _result(record: ImageRecord, classes: Sequence[str]) -> list[Json]:
    shares = xywh(record.boxes[record.real]) / (record.width, record.height, record.width, record.height)
    return [
        {
            "id": f"{record.image_id}-{number}",
            "type": "rectanglelabels",
            "from_name": NAME,
            "to_name": PICTURE,
            "original_width": record.width,
            "original_height": record.height,
            "image_rotation": 0,
            "value": {
                **dict(zip(("x", "y", "width", "height"), share, strict=True)),
                "rotation": 0,
                "rectanglelabels": [classes[label]],
            },
        }
        for number, (share, label) in enumerate(
            zip((shares * 100).tolist(), record.labels[record.real], strict=True)
        )
    ]
