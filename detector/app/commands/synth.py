"""Write the synthetic set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from detector.errors import UserError
from detector.synth.dataset import DatasetParams, generate
from detector.synth.scene import SceneParams
from detector.synth.sensor import SensorParams

P = TypeVar("P", DatasetParams, SceneParams, SensorParams)


def run(config: DictConfig) -> None:
    """The command: config as in configs/synth.yaml; UserError for a value that cannot be."""
    started = time.monotonic()
    root = Path(str(config.root))
    written = generate(
        root,
        dataset=read_params(config, "dataset", DatasetParams),
        scene=read_params(config, "scene", SceneParams),
        sensor=read_params(config, "sensor", SensorParams),
        seed=config.seed,
        processes=config.processes,
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
