"""What a file of ours says of the network in it: plain values, never executed. Needs no torch.

Checkpoints, weights files and exported networks all carry it; detector/app/parts.py makes parts of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detector.errors import UserError
from detector.thermal.io.colour import REFUSE, checked_way
from detector.thermal.resolution import checked_scale
from detector.version import __version__

FORMAT = 4
"""Goes up by one whenever a reader of the former could not read it. The networks of 1 and 2 are gone."""
READ = (3, FORMAT)
"""3 knew no scale."""

KEY = "thermal-detector"
"""Under which files whose metadata is text hold the description, as JSON."""

REQUIRED = ("config", "classes", "thresholds")
USED = ("model", "thermal", "postprocess", "evaluation")
"""Groups of the configuration that a network is used with."""
LARGEST = 2048
"""What a network's settings may say, of widths, depths and classes: a file must not make us build a giant."""
COLOUR = "colour"
"""How false colours are read: under `data` in a run's configuration, by itself where that is left out."""
SCALE = "scale"
"""How large frames are shown to the network; stands where COLOUR does."""


def describe(state: Mapping[str, Any]) -> dict[str, Any]:
    """What using the network of a state needs, and nothing of its training."""
    own = state["config"]
    config = {name: own[name] for name in USED} | {COLOUR: colour_of(own), SCALE: scale_of(own)}
    about = {"config": config, "classes": state["classes"], "thresholds": state["thresholds"]}
    return {"format": FORMAT, "version": __version__, **about}


def colour_of(config: Mapping[str, Any]) -> str:
    """How the network's frames are read where they are in false colours; UserError for no such way."""
    return checked_way(_of_data(config, COLOUR, REFUSE), where="data.colour")


def scale_of(config: Mapping[str, Any]) -> float:
    """How large frames are shown to the network, 1 is as they are; UserError for no such number."""
    return checked_scale(_of_data(config, SCALE, 1.0), where="data.scale")


def _of_data(config: Mapping[str, Any], key: str, default: object) -> Any:
    data = config.get("data")
    holder = data if isinstance(data, Mapping) and key in data else config
    return holder.get(key, default)


def check(state: object, path: Path) -> None:
    """UserError where a file's description is of another format, incomplete, or more than plain values."""
    if not isinstance(state, dict) or "version" not in state:
        raise UserError(f"checkpoint {path}: not a checkpoint of this program")
    found = state.get("format", 1)
    if found not in READ:
        older = found in (1, 2)
        remedy = "train again, or use it with the version it is from" if older else "install a newer one"
        raise UserError(
            f"checkpoint {path}: is of format {found}, from version {state['version']}; this version "
            f"{__version__} reads formats {' and '.join(map(str, READ))}: {remedy}"
        )
    missing = [key for key in REQUIRED if key not in state]
    if missing:
        raise UserError(f"checkpoint {path}: not a checkpoint of this program, {', '.join(missing)} missing")
    try:
        _check_plain({name: state[name] for name in REQUIRED}, "", path)
    except RecursionError:
        raise UserError(f"checkpoint {path}: its settings are nested without end; refused") from None
    config, classes, thresholds = (state[name] for name in REQUIRED)
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UserError(f"checkpoint {path}: its classes are no list of names")
    if not isinstance(thresholds, dict | None):
        raise UserError(f"checkpoint {path}: its thresholds are no scores by class")
    if not isinstance(config, dict):
        raise UserError(f"checkpoint {path}: its configuration is no group of settings")
    missing = [name for name in USED if not isinstance(config.get(name), dict)]
    if missing:
        raise UserError(f"checkpoint {path}: its configuration has no {', '.join(missing)}")
    if max(_numbers(config["model"]), default=0) > LARGEST or len(classes) > LARGEST:
        raise UserError(f"checkpoint {path}: describes a network of absurd size (above {LARGEST}); refused")


def _numbers(value: Any) -> Iterator[float]:
    """The size of every number, and of every list, in plain values."""
    if isinstance(value, dict | list):
        yield len(value)
        for member in value.values() if isinstance(value, dict) else value:
            yield from _numbers(member)
    elif isinstance(value, int | float):
        yield abs(value)


def _check_plain(value: Any, where: str, path: Path) -> None:
    """UserError unless it is numbers, words, and lists and groups of these, none asking to be resolved."""
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str) or key.startswith("_"):
                raise UserError(
                    f"checkpoint {path}: {where}{key}={member} is no setting of this program; refused"
                )
            _check_plain(member, f"{where}{key}.", path)
    elif isinstance(value, list):
        for member in value:
            _check_plain(member, where, path)
    elif isinstance(value, str) and "${" in value:
        raise UserError(f"checkpoint {path}: {where[:-1]}={value} asks to be resolved; refused")
    elif not isinstance(value, (str, int, float, bool, type(None))):
        raise UserError(f"checkpoint {path}: {where[:-1]} is {type(value).__name__}, no plain value; refused")
