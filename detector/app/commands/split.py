"""Share a data set out anew, every recording in one split."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from detector.app.build import load_splits
from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown
from detector.data.splits import (
    grouped_folds,
    merge,
    recordings,
    select,
    share_out,
    single_frames,
)
from detector.data.writers.coco import write_coco_references
from detector.data.writers.output import common_folder
from detector.doctor.classes import rarest
from detector.errors import UserError
from detector.evaluation.class_tables import write_rows
from detector.evaluation.worst import CLASSES, MOST

log = logging.getLogger(__name__)

NAMES = ("train", "val", "test")
GROUPS = {"recordings": recordings, "frames": single_frames}


def run(config: DictConfig) -> None:
    """The command: config as in configs/split.yaml; UserError for a value that cannot be."""
    if not 2 <= len(config.shares) <= len(NAMES):
        raise UserError(f"shares={config.shares}: must be two shares (train, val) or three (and test)")
    if config.groups not in GROUPS:
        raise UserError(f"groups={config.groups}: must be {' or '.join(GROUPS)}")
    if config.folds < 0 or config.folds == 1:
        raise UserError(f"folds={config.folds}: must be 0 for none or at least 2")
    if config.seed < 0:
        raise UserError(f"seed={config.seed}: must be at least 0")
    output = Path(str(config.output))
    whole = merge(load_splits(config.data, config.splits))
    splits = new_splits(
        whole, list(config.shares), folds=config.folds, seed=config.seed, groups=GROUPS[config.groups](whole)
    )
    write_coco_references(splits, output)
    print(table(splits))
    if len(whole.classes) > MOST:
        write_rows(output / CLASSES, class_rows(splits))
        print(f"of {len(whole.classes)} classes the rarest that occur; all: {CLASSES}")
    if config.groups == "frames":
        log.warning(
            "groups=frames: frames of one recording stand on both sides, so the figures are too optimistic"
        )
    for name, split in splits.items():
        counts = zip(split.classes, split.object_counts(), strict=True)
        absent = [title for title, count in counts if not count]
        if absent:
            log.warning("%s has no object of: %s", name, shown(absent, MOST))
    judged = " data.split=test" if "test" in splits else ""
    # Names that lead out of a set are followed into this folder only, and only because the user says so.
    pictures = common_folder([record.path for record in whole.records])
    print(
        f"written: {output.resolve()}; to train: data=coco data.root={output} "
        f"data.source.images={shlex.quote(str(pictures))}{judged}"
    )


def new_splits(
    whole: Annotations, shares: list[float], *, folds: int, seed: int, groups: list[str]
) -> dict[str, Annotations]:
    """train, val and, with three shares, test; then train_0, val_0, train_1, ... over all but test."""
    parts = share_out(whole, shares, seed=seed, groups=groups)
    splits = dict(zip(NAMES, (select(whole, part) for part in parts), strict=False))
    if folds:
        rest = np.sort(np.concatenate(parts[:2]))
        pool = select(whole, rest)
        pairs = grouped_folds(pool, folds, seed=seed, groups=[groups[index] for index in rest])
        for number, (training, validation) in enumerate(pairs):
            splits[f"train_{number}"] = select(pool, training)
            splits[f"val_{number}"] = select(pool, validation)
    return splits


def class_rows(splits: Mapping[str, Annotations]) -> Iterator[tuple[object, ...]]:
    """Objects of every class, a column for each split, under a header."""
    yield "class", *splits
    counts = zip(*(split.object_counts().tolist() for split in splits.values()), strict=True)
    for title, of_splits in zip(next(iter(splits.values())).classes, counts, strict=True):
        yield title, *of_splits


def table(splits: Mapping[str, Annotations]) -> str:
    """One line for each split: recordings, frames, their share of train, val and test, objects by class.

    Of more than MOST classes the rarest that occur.
    """
    parts = {name: splits[name] for name in NAMES if name in splits}
    whole, classes = sum(len(split.records) for split in parts.values()), rarest(parts)
    rows = [["split", "recordings", "frames", "share", *classes]]
    for name, split in splits.items():
        frames = len(split.records)
        names = {record.sequence for record in split.records} - {None}
        counts = dict(zip(split.classes, map(str, split.object_counts()), strict=True))
        row = [name, str(len(names)), str(frames), f"{frames / whole:.3f}"]
        rows.append([*row, *(counts[title] for title in classes)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        right = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *right]))
    return "\n".join(lines)
