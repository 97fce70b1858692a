"""Writing YOLO's text labels: one line `class cx cy w h` for each object, in shares of the picture's size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from detector.data.annotations import Annotations, ImageRecord
from detector.data.splits import common_classes
from detector.data.writers.output import (
    Place,
    fresh_folder,
    names_from_common_folder,
    place_all,
    require_own_stems,
    tell_colours,
    warn_of_losses,
)


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
            require_own_stems(pictures, [name.stem for name in names], suffix=".txt")
            place_all(pictures, [folder / "images" / split / name for name in names], place=place)
            labels = folder / "labels" / split
            labels.mkdir(parents=True)
            for record, name in zip(annotations.records, names, strict=True):
                (labels / f"{name.stem}.txt").write_text(_label_lines(record))
        # Without `path`, programs look for the pictures beside this file.
        lines = [f"{_quoted(split)}: {_quoted(f'images/{split}')}" for split in splits]
        lines += ["names:", *(f"  {label}: {_quoted(name)}" for label, name in enumerate(classes))]
        (folder / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    warn_of_losses("YOLO labels", splits)
    tell_colours(splits)


def _quoted(text: str) -> str:
    """A YAML string; JSON's are such."""
    return json.dumps(text, ensure_ascii=False)


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
