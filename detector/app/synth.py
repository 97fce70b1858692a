"""The command that writes the synthetic set."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TypeVar

import hydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.errors import UserError
from detector.synth.dataset import DatasetParams, generate
from detector.synth.scene import SceneParams
from detector.synth.sensor import SensorParams

# Absolute: Hydra reads a relative path of a packaged module as the name of another package.
CONFIGS = str(Path(__file__).resolve().parents[2] / "configs")

P = TypeVar("P", DatasetParams, SceneParams, SensorParams)


@hydra.main(version_base="1.3", config_path=CONFIGS, config_name="synth")
def main(config: DictConfig) -> None:
    """Generate the set that the config names and say where it lies."""
    try:
        run(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def run(config: DictConfig) -> None:
    """The same without Hydra, config as in configs/synth.yaml; UserError for a value that cannot be."""
    started = time.monotonic()
    root = Path(config.root)
    written = generate(
        root,
        dataset=read_params(config, "dataset", DatasetParams),
        scene=read_params(config, "scene", SceneParams),
        sensor=read_params(config, "sensor", SensorParams),
        seed=_whole(config, "seed"),
        processes=_whole(config, "processes"),
    )
    spent = f"written in {time.monotonic() - started:.1f} s" if written else "there already, unchanged"
    print(f"synthetic set: {root.resolve()} ({spent})")


def read_params(config: DictConfig, group: str, kind: type[P]) -> P:
    """config[group] as frozen parameters, types checked; UserError names the key that does not fit."""
    try:
        checked = OmegaConf.merge(OmegaConf.structured(kind), config[group])
        params = OmegaConf.to_object(checked)
    except OmegaConfBaseException as error:
        raise UserError(f"{group}.{error.key}: {str(error.msg).splitlines()[0]}") from error
    assert isinstance(params, kind)
    return params


def _whole(config: DictConfig, key: str) -> int:
    if not isinstance(config[key], int):
        raise UserError(f"{key} is {config[key]!r}: it must be a whole number")
    return int(config[key])
