"""HIT-UAV (Suo et al., Scientific Data 10, 227, 2023) in its published `normal_json` layout.

It looks like COCO, but: images carry `filename`; annotations sit under `annotation`; boxes are top-left
x, y, w, h although the published README says centre (its issue 6); category DontCare marks regions without
class (issue 3). The same reader serves the full 640x512 download and reductions of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.readers.assemble import brief
from detector.data.readers.coco import annotations_from_coco
from detector.data.readers.files import Json, load_json, require_split
from detector.errors import UserError

DONT_CARE = "DontCare"


@dataclass(frozen=True)
class HitUavSource:
    """HIT-UAV under root, which is `normal_json` or the folder that holds it.

    DontCare regions are ignored ones of no class. `sequence` is the recording day: flights of one day see the
    same place from other heights and angles, so a day is the smallest group that may be kept apart from
    training without a leak.
    """

    root: Path | str
    classes: Sequence[str] | None

    def splits(self) -> tuple[str, ...]:
        return tuple(sorted(file.stem for file in (self._layout() / "annotations").glob("*.json")))

    def load(self, split: str) -> Annotations:
        """Raises UserError as CocoSource does, and where root does not hold the published layout."""
        layout = self._layout()
        file = layout / "annotations" / f"{split}.json"
        require_split(Path(self.root), file, split, self.splits())
        document = _as_coco(load_json(file), file)
        return annotations_from_coco(
            document, file, layout / split, root=layout, classes=self.classes, classless=(DONT_CARE,)
        )

    def _layout(self) -> Path:
        inner = Path(self.root) / "normal_json"
        return inner if inner.is_dir() else Path(self.root)


def _as_coco(document: Json, file: Path) -> Json:
    """The document with COCO's own keys; `document` is left as it is."""
    if "annotation" not in document:
        raise UserError(
            f"{file}: no 'annotation' list, so not HIT-UAV's normal_json; is it a COCO file (data=coco)?"
        )
    if not isinstance(document.get("images"), list):
        raise UserError(f"{file}: 'images' must be a list of objects")
    images = []
    for image in document["images"]:
        if not isinstance(image, dict) or "filename" not in image:
            raise UserError(f"{file}: an image record has no 'filename': {brief(image)}")
        day = image.get("date_captured")
        images.append({**image, "file_name": image["filename"], "sequence": day})
    return {**document, "images": images, "annotations": document["annotation"]}
