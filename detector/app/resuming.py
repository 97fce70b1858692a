"""An interrupted run taken up again: what must be as it was, and what may change and is written down."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from detector.app.running.folder import CHECKPOINTS, clear
from detector.app.settings import plain
from detector.engine import checkpoint
from detector.engine.environment import versions
from detector.engine.trainer import BEST, LAST, Trainer
from detector.errors import UserError
from detector.files import write_text

KEPT = ("init", "seed", "model", "thermal", "data", "engine.batch_size", "engine.accumulate")
"""Settings, and groups of them, that say what the run is: which network, which frames in which order."""
FREE_OF_KEPT = (
    *("data.root", "data.false_alarms", "data.beside.root"),
    *("data.split", "data.on_error", "data.most_skipped"),
)
KINDS = ("optimizer.name", "criterion.name", "assigner.name")
"""Kinds of parts: another one would make nothing of what the first has remembered."""
QUIET = ("resume", "overwrite")
RECORD, ENVIRONMENT = "resumed.json", "environment.json"
AUTO = "auto"
"""resume=auto: go on with the run in the folder, where there is one."""


def going_on(config: DictConfig, folder: Path, overrides: Sequence[str]) -> Sequence[str]:
    """Turn resume=auto into the checkpoint that lies in `folder`, or null where none does.

    Returns the overrides without those that the run was begun with: of these the run's own configuration
    tells, and groups (data=coco) could not be changed.
    """
    if config.resume != AUTO:
        return overrides
    last = folder / CHECKPOINTS / LAST
    config.resume = str(last) if last.is_file() else None
    begun = _begun_with(folder) if config.resume is not None else ()
    return [override for override in overrides if override not in begun]


def _begun_with(folder: Path) -> Sequence[str]:
    """The overrides of the command that began the run in a folder."""
    try:
        command = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["command"]
        return shlex.split(command)[2:]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ()


def resumed(config: DictConfig, overrides: Sequence[str]) -> tuple[DictConfig, Path, list[str]]:
    """The interrupted run's configuration with the values of the command line on top, its folder, and what
    has changed, a line each.

    config: of the command line, with its path in `resume`. Raises UserError as checkpoint.load does, for a
    change that would make another run of it, and where what the run needs to end is gone.
    """
    path = Path(str(config.resume)).absolute()
    state = checkpoint.load(path)
    Trainer.check_resumable(state, source=str(path))
    with checkpoint.as_saved(str(path)):
        _require_best(state, path)
        done = state["progress"]["epoch"]
    saved = OmegaConf.create(state["config"])
    new = _complete(saved, config)
    OmegaConf.set_struct(saved, True)  # an unknown key raises
    changes = []
    for override in overrides:
        key = override.partition("=")[0].lstrip("+")
        if key in QUIET:
            continue
        if isinstance(OmegaConf.select(saved, key), DictConfig):
            raise UserError(f"{override}: a resumed run keeps its configuration but for single values")
        before, now = plain(OmegaConf.select(saved, key)), plain(OmegaConf.select(config, key))
        if before == now and key not in new:
            continue
        if _is_kept(key):
            raise UserError(
                f"{override}: the run was begun with {'none' if key in new else before} and would be another "
                f"one; leave it out, or begin a new run from its weights: init={path}"
            )
        OmegaConf.update(saved, key, now)
        changes.append(f"{key}={now} (was {before})")
    epochs = saved.engine.epochs
    if isinstance(epochs, int) and epochs < done:
        raise UserError(f"engine.epochs={epochs}: the run has {done} behind it")
    saved.resume = str(path)
    return saved, path.parent.parent, changes


def compared(state: Mapping[str, Any], now: Mapping[str, Any], *, source: str) -> list[str]:
    """What else is not as it was when a checkpoint was written, a line each.

    now: as `state` has it, `classes`, `data` (fingerprints by split) and `environment` (versions and the
    like). UserError where the frames or the classes are others. Nothing is said of what a checkpoint of an
    older version does not tell.
    """
    if list(state["classes"]) != list(now["classes"]):
        raise UserError(
            f"checkpoint {source}: knows the classes {', '.join(state['classes'])}, the training split has "
            f"{', '.join(now['classes'])}; begin a new run from its weights: init={source}"
        )
    known, before = state.get("data"), state.get("environment")
    for split, found in now["data"].items():
        had = known.get(split, found) if isinstance(known, dict) else found
        if had != found:
            raise UserError(
                f"checkpoint {source}: {_changed(split, had, found)}; begin a new run from its weights: "
                f"init={source}"
            )
    then = before if isinstance(before, dict) else {}
    return [
        f"{key} {value} (was {then[key]})"
        for key, value in now["environment"].items()
        if key in then and then[key] != value
    ]


def note_run(
    folder: Path, config: dict[str, Any], about: Mapping[str, Any], changes: Sequence[str], *, step: int
) -> None:
    """Write down what a run is, before its first step; of a resumed one what is not as it was.

    about: its command, device and size. A new run's folder is cleared of what an earlier one left there.
    """
    goes_on = config["resume"] is not None
    if not goes_on:
        clear(folder)
    write_text(folder / "config.yaml", OmegaConf.to_yaml(config))
    if goes_on:  # the rest is there, with the command that began the run
        write_down(folder, changes, command=about["command"], step=step)
    else:
        environment = {**about, "versions": versions()}
        write_text(folder / ENVIRONMENT, json.dumps(environment, indent=2) + "\n")


def write_down(folder: Path, changes: Sequence[str], *, command: str, step: int) -> None:
    """Add one resumption to folder/resumed.json, with what was not as before."""
    file = folder / RECORD
    known: list[Any] = []
    if file.is_file():
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            known = []
    entry = {"command": command, "after_step": step, "changes": list(changes)}
    write_text(file, json.dumps([*known, entry], indent=1) + "\n")


def _changed(split: str, had: object, found: Mapping[str, object]) -> str:
    """What is not as it was, of two fingerprints that differ."""
    if all(_of(had, name) == found[name] for name in ("frames", "objects", "digest")):
        return "data.false_alarms has other false alarms than when the run was begun"
    return (
        f"the {split} split has changed since: it had {_of(had, 'frames')} frames and {_of(had, 'objects')} "
        f"objects, now {found['frames']} and {found['objects']}, or other boxes or pictures"
    )


def _of(fingerprint: object, name: str) -> object:
    """A number of a fingerprint, which stands in a file that may be anybody's."""
    return fingerprint.get(name) if isinstance(fingerprint, dict) else None


def _is_kept(key: str) -> bool:
    if key in FREE_OF_KEPT:
        return False
    return key in KINDS or any(key == kept or key.startswith(f"{kept}.") for kept in KEPT)


def _complete(saved: DictConfig, config: DictConfig) -> set[str]:
    """Give a run of an older version the settings that it did not know; returns which."""
    new = {
        f"{group}.{key}": value
        for group in ("engine", "data", "evaluation")
        for key, value in config[group].items()
        if key not in saved[group]
    }
    if "data.scale" in new:
        new["data.scale"] = 1.0  # it was shown all pixels
    if "engine.sync_batch_norm" in new:
        new["engine.sync_batch_norm"] = False
    for name, value in new.items():
        OmegaConf.update(saved, name, value)
    return set(new)


def _require_best(state: Mapping[str, Any], path: Path) -> None:
    """UserError, before anything is trained, where the best epoch's weights are gone."""
    best = path.with_name(BEST)
    if state["progress"]["best_epoch"] >= 0 and not best.is_file():
        raise UserError(
            f"{best}: no such file, and the best epoch of the run, {state['progress']['best_epoch']}, lies "
            f"behind {path}; put it back, or begin a new run from its weights: init={path}"
        )
