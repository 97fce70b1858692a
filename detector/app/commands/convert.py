"""Write a data set in another format."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.data.writers.coco import write_coco
from detector.data.writers.cvat import write_cvat
from detector.data.writers.label_studio import write_label_studio
from detector.data.writers.labelme import write_labelme
from detector.data.writers.output import chosen_place
from detector.data.writers.yolo import write_yolo
from detector.doctor.stored import label_warnings
from detector.doctor.warnings import warnings_of
from detector.errors import UserError

log = logging.getLogger(__name__)

WRITERS: Mapping[str, Callable[..., None]] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "cvat": write_cvat,
    "label_studio": write_label_studio,
    "label_studio_predictions": partial(write_label_studio, predictions=True),
    "labelme": write_labelme,
}


def run(config: DictConfig) -> None:
    """The command: config as in configs/convert.yaml; UserError for a value that cannot be."""
    if config.format not in WRITERS:
        raise UserError(f"format={config.format}: must be one of {', '.join(WRITERS)}")
    place = chosen_place(config.pictures)
    output = Path(str(config.output))
    splits = load_splits(config.data, config.splits)
    for line in (*warnings_of(splits), *label_warnings(splits)):
        log.warning("%s", line)
    WRITERS[config.format](splits, output, place=place)
    for name, split in splits.items():
        print(f"{name}: {len(split.records)} frames, {split.told()}")
    print(f"written as {config.format}: {output.resolve()}")
