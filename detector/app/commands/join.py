"""Join sets into one, so that one detector learns from all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.app.settings import plain
from detector.data.annotations import Annotations
from detector.data.classes import of_set, with_classes
from detector.data.readers.assemble import shown
from detector.data.splits import merge
from detector.data.writers.coco import write_coco
from detector.data.writers.output import chosen_place
from detector.errors import UserError


def run(config: DictConfig) -> None:
    """The command: config as in configs/join.yaml; UserError for a value that cannot be."""
    place = chosen_place(config.pictures)
    sets = _sets(plain(config.sets), plain(config.data))
    every = [split for splits in sets.values() for split in splits.values()]
    classes = list(dict.fromkeys(name for split in every for name in split.classes))
    names = dict.fromkeys(split for splits in sets.values() for split in splits)
    joined = {
        split: merge(
            {
                name: with_classes(of_set(splits[split], name), classes)
                for name, splits in sets.items()
                if split in splits
            }
        )
        for split in names
    }
    output = Path(str(config.output))
    write_coco(joined, output, place=place)
    for name, split in joined.items():
        print(f"{name}: {len(split.records)} frames, {split.told()}")
    print(f"classes: {shown(classes, 20)}")
    print(f"written: {output.resolve()}; to train: data=coco data.root={output}")


def _sets(folders: object, data: dict[str, Any]) -> dict[str, dict[str, Annotations]]:
    """By the folder's name and split."""
    if not isinstance(folders, list) or len(folders) < 2:
        raise UserError(f"sets={folders}: must be a list of folders, as sets=[DIR,DIR]")
    sets: dict[str, dict[str, Annotations]] = {}
    for folder in folders:
        name = Path(str(folder)).name
        if name in sets:
            raise UserError(
                f"sets: two folders are called {name}: rename one, recordings are told apart by it"
            )
        sets[name] = load_splits({**data, "root": folder}, None)
    return sets
