"""Writing YOLO's text labels: one line `class cx cy w h` for each object, in shares of the picture's size."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from detector.data.annotations import Annotations, ImageRecord
from detector.data.splits import common_classes
from detector.data.writers.output import (
    Place,
    fresh_folder,
    names_from_common_folder,
    place_all,
    tell_colours,
)
from detector.errors import UserError

log = logging.getLogger(__name__)


def write_yolo(splits: Mapping[str, Annotations], output: Path, *, place: Place) -> None:
    """images/SPLIT/NAME, labels/SPLIT/NAME.txt (empty where there is no object) and data.yaml.

    Sub folders become part of the name, `walk/0001.png` that of `walk__0001.png`: programs find the labels
    by replacing `images` in the path, wherever it stands. The format has no place for ignored regions and
    recordings; one warning counts what is left out. `output` appears when all of it is written.
    Raises UserError where splits differ in classes or two pictures would share a label file, and as
    `fresh_folder` and `place` do.
    """
    classes = common_classes(splits)
    with fresh_folder(output) as folder:
        for split, annotations in splits.items():
            pictures = [record.path for record in annotations.records]
            names = [Path("__".join(name.parts)) for name in names_from_common_folder(pictures)]
            _require_own_labels(pictures, names)
            place_all(pictures, [folder / "images" / split / name for name in names], place=place)
            labels = folder / "labels" / split
            labels.mkdir(parents=True)
            for record, name in zip(annotations.records, names, strict=True):
                (labels / f"{name.stem}.txt").write_text(_label_lines(record))
        # Without `path`, programs look for the pictures beside this file.
        lines = [f"{_quoted(split)}: {_quoted(f'images/{split}')}" for split in splits]
        lines += ["names:", *(f"  {label}: {_quoted(name)}" for label, name in enumerate(classes))]
        (folder / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _warn_of_losses(splits)
    tell_colours(splits)


def _quoted(text: str) -> str:
    """A YAML string; JSON's are such."""
    return json.dumps(text, ensure_ascii=False)


def _require_own_labels(pictures: Sequence[Path], names: Sequence[Path]) -> None:
    """UserError where two pictures differ in nothing but their suffix, or are one file."""
    owner: dict[str, Path] = {}
    for picture, name in zip(pictures, names, strict=True):
        if name.stem in owner:
            raise UserError(
                f"{owner[name.stem]} and {picture} would share the label file {name.stem}.txt: rename one"
            )
        owner[name.stem] = picture


def _label_lines(record: ImageRecord) -> str:
    lines = []
    rows = zip(record.boxes.tolist(), record.labels.tolist(), record.ignored.tolist(), strict=True)
    for (x1, y1, x2, y2), label, ignored in rows:
        if not ignored:
            shares = (
                (x1 + x2) / 2 / record.width,
                (y1 + y2) / 2 / record.height,
                (x2 - x1) / record.width,
                (y2 - y1) / record.height,
            )
            lines.append(" ".join([str(label), *(f"{share:.10g}" for share in shares)]) + "\n")
    return "".join(lines)


def _warn_of_losses(splits: Mapping[str, Annotations]) -> None:
    records = [record for annotations in splits.values() for record in annotations.records]
    regions = sum(int(record.ignored.sum()) for record in records)
    recordings = len({record.sequence for record in records} - {None})
    if regions or recordings:
        log.warning(
            "YOLO labels have no place for %d ignored regions and the names of %d recordings: left out",
            regions,
            recordings,
        )
