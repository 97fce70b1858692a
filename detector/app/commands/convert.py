"""Write a data set in another format."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, ListConfig

from detector.app import build
from detector.data.annotations import Annotations
from detector.data.writers.coco import write_coco
from detector.data.writers.output import copy, link
from detector.data.writers.yolo import write_yolo
from detector.errors import UserError

WRITERS = {"coco": write_coco, "yolo": write_yolo}
PICTURES = {"link": link, "copy": copy}


def run(config: DictConfig) -> None:
    """The command: config as in configs/convert.yaml; UserError for a value that cannot be."""
    if config.format not in WRITERS:
        raise UserError(f"format={config.format}: must be {' or '.join(WRITERS)}")
    if config.pictures not in PICTURES:
        raise UserError(f"pictures={config.pictures}: must be {' or '.join(PICTURES)}")
    output = Path(str(config.output))
    splits = load_splits(config.data, config.splits)
    WRITERS[config.format](splits, output, place=PICTURES[config.pictures])
    for name, split in splits.items():
        objects = split.object_counts().sum()
        regions = sum(int(record.ignored.sum()) for record in split.records)
        print(f"{name}: {len(split.records)} frames, {objects} objects, {regions} regions to ignore")
    print(f"written as {config.format}: {output.resolve()}")


def load_splits(data: DictConfig, names: object) -> dict[str, Annotations]:
    """Truth by split: of those named, or of all that exist. Raises UserError where there is none."""
    if data.source is None:
        raise UserError(
            "data=checkpoint: names no data set of its own; say which, as data=coco data.root=PATH"
        )
    if names is None:
        found = list(build.build_source(data).splits())
        if not found:
            raise UserError(f"data root {data.source.root}: no split found: wrong layout or root?")
    elif isinstance(names, ListConfig) and names:
        found = [str(name) for name in names]
    else:
        raise UserError(f"splits={names}: must be a list of names, as splits=[train,val]")
    return {name: build.load_split(data, name) for name in found}
