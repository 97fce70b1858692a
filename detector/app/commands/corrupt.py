"""Write a data set in which some splits' truth is wrong on purpose."""

from __future__ import annotations

import shlex
from pathlib import Path

from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.data.label_noise import Damage, LabelNoise, corrupt
from detector.data.writers.coco import write_coco_references
from detector.data.writers.output import common_folder
from detector.errors import UserError


def run(config: DictConfig) -> None:
    """The command: config as in configs/corrupt.yaml; UserError for a value that cannot be."""
    noise = LabelNoise(drop=config.drop, shift=config.shift, relabel=config.relabel)
    if not any((noise.drop, noise.shift, noise.relabel)):
        raise UserError("drop, shift, relabel: give one of them above 0, or nothing is made wrong")
    if config.seed < 0:
        raise UserError(f"seed={config.seed}: must be at least 0")
    output = Path(str(config.output))
    splits = load_splits(config.data, None)
    wanted = [str(name) for name in config.splits]
    if not wanted or not splits.keys() >= set(wanted):
        raise UserError(f"splits=[{','.join(wanted)}]: must name some of {', '.join(splits)}")
    lines = []
    for name in splits:
        if name in wanted:
            splits[name], damage = corrupt(splits[name], noise, seed=config.seed)
            lines.append(f"{name}: {_told(damage)}")
        else:
            lines.append(f"{name}: {splits[name].object_counts().sum()} objects, untouched")
    write_coco_references(splits, output)
    print("\n".join(lines))
    pictures = common_folder([record.path for split in splits.values() for record in split.records])
    print(
        f"written: {output.resolve()}; to train: data=coco data.root={output} "
        f"data.source.images={shlex.quote(str(pictures))}"
    )


def _told(damage: Damage) -> str:
    """One line: what was done to how many."""
    mean = f" (IoU {damage.iou:.2f} with the true box on average)" if damage.moved else ""
    return (
        f"{damage.objects} objects, {damage.dropped} left out, {damage.moved} moved{mean}, "
        f"{damage.relabelled} given another class"
    )
