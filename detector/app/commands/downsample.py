"""Write a data set as a camera of fewer pixels would have seen it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig

from detector.app.commands.convert import load_splits
from detector.data.annotations import Annotations
from detector.data.downsample import read_reduced, reduce_truth
from detector.data.writers.coco import write_coco_frames
from detector.errors import UserError
from detector.structures import Frame


def run(config: DictConfig) -> None:
    """The command: config as in configs/reduce.yaml; UserError for a value that cannot be."""
    if type(config.width) is not int or config.width < 1:
        raise UserError(f"width={config.width}: must be a whole number of pixels, at least 1")
    if not config.min_side >= 0:
        raise UserError(f"min_side={config.min_side}: must be at least 0")
    output = Path(str(config.output))
    splits = load_splits(config.data, config.splits)
    widest = max(record.width for split in splits.values() for record in split.records)
    if config.width >= widest:
        raise UserError(f"width={config.width}: must be less than the {widest} pixels of the widest frame")
    factor = config.width / widest
    reduced = {name: reduce_truth(split, factor, min_side=config.min_side) for name, split in splits.items()}
    write_coco_frames(reduced, output, frames={name: _frames(splits[name], reduced[name]) for name in splits})
    for name, split in reduced.items():
        sizes = sorted({f"{record.width}x{record.height}" for record in split.records})
        objects = split.object_counts().sum()
        regions = sum(int(record.ignored.sum()) for record in split.records)
        frames = f"{len(split.records)} frames of {', '.join(sizes)}"
        print(f"{name}: {frames}, {objects} objects, {regions} regions to ignore")
    print(f"written: {output.resolve()}; to train: data=coco data.root={output}")


def _frames(large: Annotations, small: Annotations) -> Iterator[Frame]:
    """The frames of `large` in the sizes that `small` has."""
    for record, reduced in zip(large.records, small.records, strict=True):
        yield read_reduced(record, width=reduced.width, height=reduced.height)
