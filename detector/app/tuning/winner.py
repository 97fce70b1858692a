"""The winner of a tuning as an experiment file of Hydra, ready for `thermal-detector train`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from detector.app.configs import CONFIGS
from detector.errors import UserError

GROUP = "experiment"


def check_winner(name: str, overrides: Sequence[str]) -> None:
    """UserError unless the file that `write_winner` would make says just what the overrides say.

    Before a tuning, so that its end has no surprise.
    """
    if (Path(CONFIGS) / GROUP / f"{name}.yaml").exists():
        raise UserError(f"tune.name={name}: there is an {GROUP} of that name already; give another")
    try:
        wanted = hydra.compose("train", list(overrides))
        with tempfile.TemporaryDirectory() as folder:
            write_winner(name, overrides, Path(folder), about=())
            winner = hydra.compose("train", [f"hydra.searchpath=[file://{folder}]", f"{GROUP}={name}"])
    except HydraException as error:
        raise UserError(f"tune: {' '.join(overrides)}: {error}") from error
    if OmegaConf.to_container(winner) != OmegaConf.to_container(wanted):
        raise UserError(f"tune.base: {' '.join(overrides)}: means something else in an {GROUP} file")


def write_winner(name: str, overrides: Sequence[str], folder: Path, *, about: Sequence[str]) -> Path:
    """folder/experiment/NAME.yaml of overrides of configs/train.yaml.

    UserError for one that no file can hold.
    Choices of groups become entries of its defaults list, another experiment the one it builds on.
    about: lines of comment at its top.
    """
    defaults: list[Any] = []
    values = OmegaConf.create()
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key, value = override.key_or_group, override.value()
        if override.is_delete() or override.package is not None:
            raise UserError(f"tune.base: {override.input_line}: cannot stand in an {GROUP} file")
        if key == GROUP:
            defaults.insert(0, value)
        elif (Path(CONFIGS) / key).is_dir():
            defaults.append({f"override /{key}": value})
        else:
            OmegaConf.update(values, key, value, force_add=True)
    path = folder / GROUP / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# @package _global_", *(f"# {line}" for line in about)]
    body = OmegaConf.to_yaml(OmegaConf.create({"defaults": [*defaults, "_self_"]}))
    if values:
        body += OmegaConf.to_yaml(values)
    path.write_text("\n".join(lines) + "\n" + body)
    return path
