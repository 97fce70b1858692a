"""Check a data set before anything is trained on it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from omegaconf import DictConfig

from detector.app import configs
from detector.app.build import load_split, load_splits
from detector.app.settings import typed
from detector.data.annotations import Annotations
from detector.data.looks import table
from detector.doctor.examination import Examination, examine
from detector.doctor.limits import Limits
from detector.doctor.set_looks import look_at
from detector.errors import UserError
from detector.report.doctor.page import doctor_page
from detector.report.doctor.side_by_side import side_by_side
from detector.report.kit.page import Section, write

NOT_FIT = 1
SAMPLES = 4


def run(config: DictConfig) -> None:
    """The command: config as in configs/doctor.yaml. Exits with status 1 where the set is not fit."""
    limits = typed(Limits, config.limits, where="limits")
    if config.compare_frames < 1:
        raise UserError(f"compare_frames={config.compare_frames}: must be at least 1")
    other = None if config.compare is None else _other_set(config)
    with collected_warnings() as warnings:
        splits = load_splits(config.data, config.splits)
    train = config.data.train
    splits = dict(sorted(splits.items(), key=lambda split: split[0] != train))
    examination = examine(splits, train=train, limits=limits, warnings=warnings)
    _say(examination)
    name = _name(config.data)
    more = () if other is None else _compare(config, examination, *other)
    page = Path(str(config.page))
    try:
        write(doctor_page(examination, name=name, root=str(config.data.root), more=more), page)
    except OSError as error:
        raise UserError(f"page={page}: cannot be written: {error.strerror}") from None
    print(f"page: {page}")
    if not examination.fit:
        sys.exit(NOT_FIT)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """What the package's own loggers warn of inside, as text; it is then not printed."""
    texts: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = " ".join(record.getMessage().split())
            if text not in texts:
                texts.append(text)

    logger = logging.getLogger("detector")
    handler, propagate = Collector(logging.WARNING), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield texts
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


def _name(data: DictConfig) -> str:
    return Path(str(data.root)).resolve().name


def _say(examination: Examination) -> None:
    for split, truth in examination.splits.items():
        print(f"{split}: {len(truth.records)} frames, {len(examination.boxes[split].sides)} objects")
    for finding in examination.findings:
        print(finding.line)
    print(examination.verdict)


def _other_set(config: DictConfig) -> tuple[str, Annotations]:
    """Name and val split of the set to compare with."""
    options = [option for option in configs.options("data") if option != "checkpoint"]
    if config.compare not in options:
        raise UserError(f"compare={config.compare}: must be one of {', '.join(options)}")
    if config.compare_root is None:
        raise UserError("compare_root must be given: add compare_root=PATH to the command")
    other = hydra.compose("doctor", overrides=[f"data={config.compare}"])
    other.data.root = str(config.compare_root)
    return _name(other.data), load_split(other.data, other.data.val)


def _compare(
    config: DictConfig, examination: Examination, other_name: str, other: Annotations
) -> tuple[Section, ...]:
    """Print how the two sets look, the other first; gives the section of the page that shows it.

    Of the examined set, frames of its val split, or of its first; nothing where none can be read.
    """
    split = config.data.val if config.data.val in examination.splits else next(iter(examination.splits))
    records = [facts.record for facts in examination.scan.of(split)]
    if not records:
        return ()
    name = _name(config.data)
    if name == other_name:
        other_name += " (other)"
    sets = [
        look_at(other_name, other.records, frames=config.compare_frames, samples=SAMPLES),
        look_at(name, records, frames=config.compare_frames, samples=SAMPLES),
    ]
    for first, *cells in table({one.name: one.looks for one in sets}):
        print(f"{first:28s}" + "".join(f"{cell:>26s}" for cell in cells))
    return (side_by_side(sets),)
