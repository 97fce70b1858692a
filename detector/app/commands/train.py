"""Train a detector, then judge its best checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from detector import distributed
from detector.app.build import NO_DATA, build_evaluate, frame_rate
from detector.app.commands.evaluate import judge
from detector.app.initial import start
from detector.app.parts import build
from detector.app.resuming import AUTO, compared, note_run
from detector.app.running import processes
from detector.app.running.alike import require_alike, require_on_first
from detector.app.running.folder import CHECKPOINTS, Locked
from detector.app.settings import typed
from detector.app.training.frames import alarms_told, training_loader, training_split
from detector.app.training.preparing import prepared
from detector.app.training.validation import Validation
from detector.data import colour, scale
from detector.data.few import too_few_to_judge, too_few_to_learn
from detector.data.fingerprint import fingerprint
from detector.data.loading.loader import lost_workers_explained
from detector.doctor.warnings import warnings_of
from detector.engine import checkpoint
from detector.engine.device import pick_device, pick_precision
from detector.engine.environment import versions
from detector.engine.memory import keep_freed_memory
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import LAST, Trainer
from detector.errors import UserError
from detector.thermal.io.colour import REFUSE


def run(config: DictConfig) -> None:
    """The command: config as in configs/train.yaml."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    told = HydraConfig.get().overrides.hydra
    if config.resume == AUTO and not any(word.startswith("hydra.run.dir=") for word in told):
        raise UserError("resume=auto goes on with the run in its folder: say which, hydra.run.dir=PATH")
    train_and_judge(config, folder, overrides=HydraConfig.get().overrides.task)


def train_and_judge(config: DictConfig, folder: Path, *, overrides: Sequence[str]) -> Path:
    """Train into `folder`, or where the run that `config.resume` names lies; then judge the best checkpoint.

    overrides: what the user changed, "engine.epochs=40": it is written down with the run. Returns its folder.
    """
    device = pick_device(config.engine.device)
    with contextlib.ExitStack() as held:

        def prepare() -> dict[str, Any]:
            work = prepared(config, folder, overrides)
            held.callback(Locked(Path(work["folder"])).release)
            return work

        with processes.torchrun_group(device, config.engine.timeout):
            if config.resume == AUTO:
                require_on_first(folder / CHECKPOINTS / LAST)
            # Of several hosts the first has the run's folder, and decides for all.
            work = distributed.from_first(prepare)
            settings = typed(EngineSettings, work["config"]["engine"], where="engine")
            device, count = _own_device(settings, group=device), work["processes"]
            processes.launch(train, work, device=device, processes=count, timeout=settings.timeout)
        folder = Path(work["folder"])
        if processes.first():
            _judge_best(folder, work["config"], settings)
    return folder


def _own_device(settings: EngineSettings, *, group: torch.device) -> torch.device:
    """This process's device; UserError where torchrun's processes were joined for another kind."""
    device = pick_device(settings.device)
    if processes.under_torchrun() and device.type != group.type:
        raise UserError(f"the run has engine.device={settings.device}: say so on the command line too")
    return device


def _judge_best(folder: Path, values: dict[str, Any], settings: EngineSettings) -> None:
    """Write the weights of the best checkpoint, judge them, and say where all of it is."""
    best = folder / "checkpoints" / "best.pt"
    weights = folder / "weights.safetensors"
    checkpoint.save_weights(weights, checkpoint.load(best))
    print(f"judging {best}")
    judge(
        best,
        data=NO_DATA,
        engine=settings,
        evaluate=build_evaluate(values),
        fps=frame_rate(values["evaluation"]["fps"]),
        output=folder,
    )
    print(f"checkpoint:  {best}")
    print(f"weights:     {weights}, {weights.stat().st_size / 1e6:.1f} MB: all that using it needs")
    print(f"pictures:    {folder / 'samples.png'}")
    print(f"TensorBoard: tensorboard --logdir {folder / 'tensorboard'}")


def train(work: dict[str, Any]) -> None:
    """Train as one of the processes of the group; everything is made here from plain values."""
    config, folder = work["config"], Path(work["folder"])
    settings = typed(EngineSettings, config["engine"], where="engine")
    device = pick_device(settings.device)
    precision = pick_precision(settings.precision, device)
    torch.manual_seed(config["seed"])
    keep_freed_memory()
    # OpenCV would take every core, also where other trainings have theirs.
    cv2.setNumThreads(torch.get_num_threads())

    annotations = training_split(config)
    classes = annotations.classes
    model = build("model", config["model"], classes=len(classes)).to(device)
    goes_on = config["resume"] is not None
    first = distributed.rank() == 0
    began = None
    if first and not goes_on:  # the others get its weights
        began = start(model, config["init"], settings=config["model"], classes=classes)
    workers = processes.loader_workers(settings.workers, device)
    alarms = work["false_alarms"]
    loader = training_loader(
        config, settings, annotations, false_alarms=alarms, workers=workers, multiple=model.stride
    )
    validation = Validation(config, settings, classes=classes, precision=precision)
    tracker = Tracker(
        folder / "tensorboard" if first else None, quiet=not first, pictures=validation.pictures
    )
    machine = f"{distributed.world_size()} x {device}, {str(precision.dtype).removeprefix('torch.')}"
    data = {
        "training": fingerprint(annotations, false_alarms=alarms),
        "validation": fingerprint(validation.annotations),
    }
    require_alike(data)
    facts = {
        "classes": list(classes),
        "data": data,
        "environment": {**versions(), "device": machine},
    }
    trainer = Trainer(
        model,
        assigner=build("assigner", config["assigner"]),
        criterion=build("criterion", config["criterion"]),
        optimizer=build("optimizer", config["optimizer"]),
        loader=loader,
        validate=validation,
        precision=precision,
        settings=settings,
        tracker=tracker,
        folder=folder / "checkpoints",
        describe={"config": config, **facts},
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    tracker.say(
        f"{len(loader.dataset)} training and {len(validation.annotations.records)} validation frames, "
        f"{len(classes)} classes, {parameters / 1e6:.2f} M parameters, {machine}"
    )
    for line in (*too_few_to_learn(annotations), *too_few_to_judge(validation.annotations)):
        tracker.say(f"note: {line}")
    for line in warnings_of({"train": annotations, "val": validation.annotations}) if first else []:
        tracker.say(f"warning: {line}")
    if annotations.records[0].colour != REFUSE:
        tracker.say(f"note: {colour.told(annotations.records[0].colour)}")
    if alarms is not None:
        tracker.say(f"note: {alarms_told(alarms, loader.sampler.factors)}")
    for line in scale.notes(annotations, config["data"]["scale"]):
        tracker.say(f"note: {line}")
    if began is not None:
        tracker.say(began)
    changes = work["changes"]
    if goes_on:
        state = distributed.from_first(partial(checkpoint.load, config["resume"]))
        changes = [*changes, *compared(state, facts, source=config["resume"])]
        trainer.resume(state, source=config["resume"])
    for change in changes:
        tracker.say(f"note: goes on with {change}")
    # Held here too: where the process that began this one is killed, nobody gets in before this one ends.
    lock = Locked(folder, join=True) if first else None
    try:
        if first:
            # Only now: whatever is wrong with data or settings has been found, and nothing was changed.
            about = {"command": work["command"], "device": machine, "parameters": parameters}
            note_run(folder, config, about, changes, step=trainer.progress.step)
        with lost_workers_explained():
            trainer.fit()
    finally:
        tracker.close()
        if lock is not None:
            lock.release()
