"""The commands: one module each, whose `run(config)` does what configs/NAME.yaml describes."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

Run = Callable[["DictConfig"], None]
PROGRAM = "thermal-detector"


@dataclass(frozen=True)
class Command:
    """says: one line of what it does. settings: keys that its help lists; none: those of its own file."""

    says: str
    settings: tuple[str, ...] = ()


COMMANDS: Mapping[str, Command] = {
    "train": Command(
        "train a detector, then judge its best checkpoint",
        settings=(
            "seed",
            "resume",
            "data.root",
            "data.split",
            "augment.size",
            "optimizer.lr",
            "optimizer.weight_decay",
            "criterion.box_weight",
            "model.head.dropout",
            "engine.epochs",
            "engine.batch_size",
            "engine.evaluate_every",
            "engine.patience",
            "engine.device",
            "engine.precision",
            "engine.processes",
            "engine.workers",
            "engine.cache_mib",
        ),
    ),
    "evaluate": Command("judge a checkpoint, or the predictions of any program, on a split"),
    "predict": Command("find objects in pictures, folders and recordings"),
    "summary": Command("list the visits in recordings, and write a page of each night"),
    "watch": Command("show on a page what a camera sees now"),
    "benchmark": Command("tell how fast a detector is on this machine, by what computes it"),
    "export": Command("write a detector as an ONNX file, for any runtime"),
    "frames": Command("pick frames of recordings for a person to label"),
    "doctor": Command("tell whether a data set is fit to train on"),
    "report": Command("write the page of a run: what it found, missed and why"),
    "replay": Command("find what made a training step's loss or gradients NaN or infinite"),
    "compare": Command("tell whether one run is better than another, or lucky"),
    "split": Command("share a set out to train, val and test so that recordings stay whole"),
    "convert": Command("write a set as COCO, YOLO or for a label tool"),
    "join": Command("join several sets into one"),
    "downsample": Command("write a set in fewer pixels"),
    "corrupt": Command("write a set with wrong labels, on purpose"),
    "synth": Command("write the synthetic thermal set"),
    "study": Command("compare settings over seeds and write a page of it"),
    "tune": Command("search parameters by cross-validation"),
    "compare_suppression": Command("judge ways of suppression on one checkpoint"),
    "flicker": Command("measure how much each gain makes a recording flicker"),
}
ALIASES = {"eval": "evaluate"}


def find(word: str) -> str:
    """The command's name. UserError, with the nearest there is, for a word that is none."""
    name = ALIASES.get(word, word)
    if name in COMMANDS:
        return name
    near = difflib.get_close_matches(word, [*COMMANDS, *ALIASES], n=1)
    raise UserError(
        f"unknown command {word}; " + (f"did you mean {near[0]}?" if near else f"{PROGRAM} --help lists them")
    )


def load(name: str) -> Run:
    """The function of a command. Slow: it imports all that the command needs."""
    run: Run = importlib.import_module(f"{__name__}.{name}").run
    return run
