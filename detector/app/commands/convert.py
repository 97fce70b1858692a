"""Write a data set in another format."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.data.writers.coco import write_coco
from detector.data.writers.output import chosen_place
from detector.data.writers.yolo import write_yolo
from detector.errors import UserError

WRITERS = {"coco": write_coco, "yolo": write_yolo}


def run(config: DictConfig) -> None:
    """The command: config as in configs/convert.yaml; UserError for a value that cannot be."""
    if config.format not in WRITERS:
        raise UserError(f"format={config.format}: must be {' or '.join(WRITERS)}")
    place = chosen_place(config.pictures)
    output = Path(str(config.output))
    splits = load_splits(config.data, config.splits)
    WRITERS[config.format](splits, output, place=place)
    for name, split in splits.items():
        print(f"{name}: {len(split.records)} frames, {split.told()}")
    print(f"written as {config.format}: {output.resolve()}")
