"""LLVIP (Jia et al., ICCV workshops 2021): persons at night from a fixed height, thermal beside visible.

Checked against the set's own readme and public readers of the archive: infrared/train and infrared/test hold
12,025 and 3,463 JPEG of 1280x1024, Annotations/NAME.xml (VOC) is shared with the visible twin of that name.
One class, `person`; two files have no object, five boxes no area. Names are six digits: the first two count
the 26 scenes, the rest the frames. Persons at the picture's edge are labelled in some frames and not in
others (the set's issue 19).

The files are taken to be written with edges counted from 0, as LabelImg writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.data.annotations import Annotations
from detector.data.readers.files import picture_names, require_split, split_names
from detector.data.readers.voc import read_voc, xml_files

_IMAGES = "infrared/{split}"


@dataclass(frozen=True)
class LlvipSource:
    """LLVIP's thermal half under root, which is `LLVIP` or the folder that holds it."""

    root: Path | str
    classes: Sequence[str] | None

    def splits(self) -> tuple[str, ...]:
        return split_names(self._layout(), _IMAGES, folders=True)

    def load(self, split: str) -> Annotations:
        """Raises UserError as `read_voc` does, and where root or split is missing."""
        folder = self._layout() / _IMAGES.format(split=split)
        require_split(Path(self.root), folder, split, self.splits())
        pictures = picture_names(folder)
        return read_voc(
            pictures,
            xml_files(pictures, self._layout() / "Annotations"),
            source=folder,
            names=("person",),
            classes=self.classes,
            coordinates="edges",
            find_sequence=lambda name: name[:2],
        )

    def _layout(self) -> Path:
        inner = Path(self.root) / "LLVIP"
        return inner if inner.is_dir() else Path(self.root)
