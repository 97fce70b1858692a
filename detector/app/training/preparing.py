"""Whatever can be wrong with a training, found before a folder is written or a process started."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from detector.app.build import build_evaluate, frame_rate
from detector.app.fitting import fitted_to
from detector.app.gain import gain_of
from detector.app.initial import start
from detector.app.parts import build
from detector.app.resuming import going_on, resumed
from detector.app.running import processes
from detector.app.running.folder import require_unused
from detector.app.settings import plain, typed
from detector.app.shipped import THERMAL
from detector.app.training.frames import false_alarms_on, split_with_classes, training_split, transform_of
from detector.data.annotations import Annotations
from detector.data.loading.store import FrameStore
from detector.engine import checkpoint
from detector.engine.device import pick_device, pick_precision
from detector.engine.settings import EngineSettings
from detector.errors import UserError


def prepared(config: DictConfig, folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """What `train` needs, plain values, after everything that can be wrong was looked for."""
    changes: list[str] = []
    command = shlex.join(("thermal-detector", "train", *overrides))
    overrides = going_on(config, folder, overrides)
    if config.resume is not None:
        config, folder, changes = resumed(config, overrides)
    else:
        require_unused(folder, overwrite=config.overwrite)
    make_absolute(config)
    values = plain(config)
    training = training_split(values)
    device = pick_device(config.engine.device)
    count = processes.how_many(config.engine.processes, device, frames=len(training.records))
    values = fitted_to(training, values, processes=count)
    settings = typed(EngineSettings, values["engine"], where="engine")
    _check(values, settings, count, classes=training.classes)
    if count > 1 and values["augment"]["name"] == "whole_frame":
        check_one_size(training, count)
    work = {"config": values, "folder": str(folder), "command": command, "changes": changes}
    # Read once: it may have a hundred boxes for each frame, and lie on the first of several hosts alone.
    return {**work, "processes": count, "false_alarms": false_alarms_on(training, values["data"])}


def make_absolute(config: DictConfig) -> None:
    """The paths to what a run learns from, so that it finds them from any working directory."""
    keys = ["data.root", "data.false_alarms", "data.beside.root"]
    if config.init != THERMAL:
        keys.append("init")
    for key in keys:
        path = OmegaConf.select(config, key, throw_on_missing=True)
        if path is not None:
            OmegaConf.update(config, key, str(Path(str(path)).absolute()))


def check_one_size(training: Annotations, count: int) -> None:
    """UserError where processes would have batches of different sizes, whose points cannot be joined."""
    sizes = sorted({(record.width, record.height) for record in training.records})
    if len(sizes) > 1:
        told = " and ".join(f"{width}x{height}" for width, height in (sizes[0], sizes[-1]))
        raise UserError(
            f"augment=none trains on whole frames, which are of several sizes here ({told}), by {count} "
            "processes: take engine.processes=1, or an augment that cuts patches of one size"
        )


def _check(config: dict[str, Any], settings: EngineSettings, count: int, *, classes: tuple[str, ...]) -> None:
    """UserError for settings and validation splits that cannot be."""
    data = config["data"]
    device = pick_device(settings.device)
    pick_precision(settings.precision, device)
    processes.loader_workers(settings.workers, device)
    if settings.batch_size % count:
        raise UserError(
            f"engine.batch_size={settings.batch_size}: must be a multiple of the {count} processes"
        )
    if config["seed"] < 0:
        raise UserError(f"seed={config['seed']}: must be at least 0")
    gain = gain_of(config)
    for split in dict.fromkeys((data["val"], data["split"])):
        annotations = split_with_classes(data, split, classes)
        if split != data["train"]:
            # That one is read before the first step; these only after it.
            FrameStore(annotations, agc=gain, cache_mib=0)
    model = build("model", config["model"], classes=len(classes))
    transform_of(config, multiple=model.stride)
    for part in ("assigner", "criterion", "optimizer", "postprocess"):
        build(part, config[part])
    build_evaluate(config)
    frame_rate(config["evaluation"]["fps"])
    if config["resume"] is not None:
        checkpoint.load_weights(model, checkpoint.load(config["resume"])["model"], source=config["resume"])
    else:
        start(model, config["init"], settings=config["model"], classes=classes)
