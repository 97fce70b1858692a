"""Writing CVAT's XML 1.1 ("CVAT for images"), as CVAT imports it into a task of the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from detector.data.annotations import Annotations
from detector.data.writers.output import Place, fresh_folder, placed_splits, warn_of_losses


def write_cvat(splits: Mapping[str, Annotations], output: Path, *, place: Place) -> None:
    """SPLIT.xml and SPLIT/ with the pictures: upload these as a task, then the file as its annotations.

    Ignored regions and recordings are left out with one warning. `output` appears when all of it is written.
    Raises UserError as `fresh_folder` and `place` do.
    """
    with fresh_folder(output) as folder:
        for split, annotations, names in placed_splits(splits, folder, place=place):
            (folder / f"{split}.xml").write_text(cvat_document(annotations, names), encoding="utf-8")
    warn_of_losses("CVAT's files", splits)


def cvat_document(annotations: Annotations, file_names: Sequence[str]) -> str:
    """The annotations as XML, with `file_names` for the pictures in their order; classes in label order."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = _inside(root, "meta", "task", "labels")
    for name in annotations.classes:
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "attributes")
    for number, (record, name) in enumerate(zip(annotations.records, file_names, strict=True)):
        size = {"width": str(record.width), "height": str(record.height)}
        image = ElementTree.SubElement(root, "image", {"id": str(number), "name": name, **size})
        for box, label in zip(record.boxes[record.real], record.labels[record.real], strict=True):
            edges = zip(("xtl", "ytl", "xbr", "ybr"), box.tolist(), strict=True)
            about = {"label": annotations.classes[label], "source": "manual", "occluded": "0", "z_order": "0"}
            ElementTree.SubElement(image, "box", {**about, **{key: repr(edge) for key, edge in edges}})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _inside(element: ElementTree.Element, *tags: str) -> ElementTree.Element:
    for tag in tags:
        element = ElementTree.SubElement(element, tag)
    return element
