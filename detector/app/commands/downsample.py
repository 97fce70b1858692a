"""Write a data set as a camera of fewer pixels would have seen it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.data.annotations import Annotations
from detector.data.downsample import downsample, read_downsampled
from detector.data.writers.coco import write_coco_frames
from detector.errors import UserError
from detector.structures import Frame


def run(config: DictConfig) -> None:
    """The command: config as in configs/downsample.yaml; UserError for a value that cannot be."""
    if type(config.width) is not int or config.width < 1:
        raise UserError(f"width={config.width}: must be a whole number of pixels, at least 1")
    if not config.min_side >= 0:
        raise UserError(f"min_side={config.min_side}: must be at least 0")
    output = Path(str(config.output))
    large = load_splits(config.data, config.splits)
    widest = max(record.width for split in large.values() for record in split.records)
    if config.width >= widest:
        raise UserError(f"width={config.width}: must be less than the {widest} pixels of the widest frame")
    factor = config.width / widest
    small = {name: downsample(split, factor, min_side=config.min_side) for name, split in large.items()}
    write_coco_frames(small, output, frames={name: _frames(large[name], small[name]) for name in large})
    for name, split in small.items():
        sizes = sorted({f"{record.width}x{record.height}" for record in split.records})
        print(f"{name}: {len(split.records)} frames of {', '.join(sizes)}, {split.told()}")
    print(f"written: {output.resolve()}; to train: data=coco data.root={output}")


def _frames(large: Annotations, small: Annotations) -> Iterator[Frame]:
    """The frames of `large` in the sizes that `small` has."""
    for record, wanted in zip(large.records, small.records, strict=True):
        yield read_downsampled(record, width=wanted.width, height=wanted.height)
