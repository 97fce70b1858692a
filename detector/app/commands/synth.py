"""Write the synthetic set."""

from __future__ import annotations

import time
from pathlib import Path

from omegaconf import DictConfig

from detector.app.settings import typed
from detector.errors import UserError
from detector.synth.dataset import VIEWS, DatasetParams, generate
from detector.synth.sensor import SensorParams


def run(config: DictConfig) -> None:
    """The command: config as in configs/synth.yaml; UserError for a value that cannot be."""
    started = time.monotonic()
    root = Path(str(config.root))
    if config.view not in VIEWS:
        raise UserError(f"view={config.view}: must be {' or '.join(VIEWS)}")
    view = VIEWS[config.view]
    written = generate(
        root,
        dataset=typed(DatasetParams, config.dataset, where="dataset"),
        place=typed(view.params, config[view.key], where=view.key),
        sensor=typed(SensorParams, config.sensor, where="sensor"),
        seed=config.seed,
        processes=config.processes,
    )
    spent = f"written in {time.monotonic() - started:.1f} s" if written else "there already, unchanged"
    print(f"synthetic set: {root.resolve()} ({spent})")
