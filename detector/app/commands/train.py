"""Train a detector, then judge its best checkpoint."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import nn

from detector import distributed
from detector.app.build import NO_DATA, build_evaluate, frame_rate, load_split
from detector.app.commands.evaluate import judge
from detector.app.fitting import fitted_to
from detector.app.gain import gain_of
from detector.app.initial import start
from detector.app.parts import build
from detector.app.resuming import AUTO, compared, going_on, note_run, resumed
from detector.app.running import processes
from detector.app.running.alike import require_alike, require_on_first
from detector.app.running.folder import CHECKPOINTS, Locked, require_unused
from detector.app.settings import plain, typed
from detector.app.shipped import THERMAL
from detector.data import colour, scale
from detector.data.annotations import Annotations
from detector.data.classes import with_classes
from detector.data.few import too_few_to_judge, too_few_to_learn
from detector.data.fingerprint import fingerprint
from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import TrainLoader, lost_workers_explained, train_loader
from detector.data.loading.sample import Transform
from detector.data.loading.store import FrameStore
from detector.data.readers.assemble import shown
from detector.data.splits import drawn
from detector.doctor.warnings import warnings_of
from detector.engine import checkpoint
from detector.engine.device import Precision, pick_device, pick_precision
from detector.engine.environment import versions
from detector.engine.memory import keep_freed_memory
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import LAST, Trainer
from detector.errors import UserError
from detector.evaluation.coco import Metrics
from detector.evaluation.predictions import predictions_json
from detector.inference.network import pipeline_of
from detector.inference.split import SplitFrames, detect
from detector.structures import Detections
from detector.thermal.io.colour import REFUSE

PICTURES = 6


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
            work = _prepared(config, folder, overrides)
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


def _prepared(config: DictConfig, folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """What `train` needs, plain values, after everything that can be wrong was looked for."""
    changes: list[str] = []
    command = shlex.join(("thermal-detector", "train", *overrides))
    overrides = going_on(config, folder, overrides)
    if config.resume is not None:
        config, folder, changes = resumed(config, overrides)
    else:
        require_unused(folder, overwrite=config.overwrite)
    # So that the run finds its data from any working directory.
    config.data.root = str(Path(str(config.data.root)).absolute())
    if config.resume is None and config.init not in (None, THERMAL):
        config.init = str(Path(str(config.init)).absolute())
    count = processes.how_many(config.engine.processes, pick_device(config.engine.device))
    values = plain(config)
    training = training_split(values)
    values = fitted_to(training, values, processes=count)
    settings = typed(EngineSettings, values["engine"], where="engine")
    _check(values, settings, count, classes=training.classes)
    if count > 1 and values["augment"]["name"] == "whole_frame":
        _check_one_size(training, count)
    work = {"config": values, "folder": str(folder), "command": command, "changes": changes}
    return {**work, "processes": count}


def _check_one_size(training: Annotations, count: int) -> None:
    """UserError where processes would have batches of different sizes, whose points cannot be joined."""
    sizes = sorted({(record.width, record.height) for record in training.records})
    if len(sizes) > 1:
        told = " and ".join(f"{width}x{height}" for width, height in (sizes[0], sizes[-1]))
        raise UserError(
            f"augment=none trains on whole frames, which are of several sizes here ({told}), by {count} "
            "processes: take engine.processes=1, or an augment that cuts patches of one size"
        )


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
        fps=frame_rate(values["evaluation"].get("fps")),  # a resumed run may be older than the setting
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

    annotations = training_split(config)
    classes = annotations.classes
    model = build("model", config["model"], classes=len(classes)).to(device)
    goes_on = config["resume"] is not None
    first = distributed.rank() == 0
    began = None
    if first and not goes_on:  # the others get its weights
        began = start(model, config["init"], settings=config["model"], classes=classes)
    workers = processes.loader_workers(settings.workers, device)
    loader = training_loader(config, settings, annotations, workers=workers, multiple=model.stride)
    validation = Validation(config, settings, classes=classes, precision=precision)
    tracker = Tracker(
        folder / "tensorboard" if first else None, quiet=not first, pictures=validation.pictures
    )
    machine = f"{distributed.world_size()} x {device}, {str(precision.dtype).removeprefix('torch.')}"
    data = {"training": fingerprint(annotations), "validation": fingerprint(validation.annotations)}
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
    if config["data"]["scale"] != 1:
        tracker.say(f"note: {scale.told(config['data']['scale'])}")
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


class Validation:
    """Evaluates a model on the validation split; keeps what it found for pictures."""

    def __init__(
        self,
        config: dict[str, Any],
        settings: EngineSettings,
        *,
        classes: tuple[str, ...],
        precision: Precision,
    ) -> None:
        self.annotations = _split_with_classes(config["data"], config["data"]["val"], classes)
        self.frames = SplitFrames(self.annotations, gain_of(config))
        self.evaluate = build_evaluate(config)
        self.pipeline = partial(
            pipeline_of,
            classes=classes,
            postprocess=build("postprocess", config["postprocess"]),
            precision=precision,
            batch_size=settings.batch_size,
        )
        self.detections: dict[int, Detections] = {}

    def __call__(self, model: nn.Module) -> Metrics | None:
        """Metrics on rank 0, which alone has all detections; None elsewhere."""
        self.detections = detect(self.pipeline(model), self.frames)
        if distributed.rank() > 0:
            return None
        predictions = predictions_json(self.detections, self.annotations)
        return self.evaluate(self.annotations, predictions).metrics

    def pictures(self) -> list[np.ndarray]:
        """Detections of the last evaluation beside truth."""
        return self.frames.pictures(self.detections, count=PICTURES)


def training_split(config: dict[str, Any]) -> Annotations:
    """What a run learns from; UserError where there is no object in it."""
    data = config["data"]
    annotations = load_split(data, data["train"])
    if not annotations.object_counts().any():
        raise UserError(
            f"data.train={data['train']}: none of its {len(annotations.records)} frames has an object to "
            "learn: label some, or see data.source.classes and data.remap"
        )
    count = data.get("frames")  # runs from before 0.3 have no such key
    return annotations if count is None else drawn(annotations, count, seed=config["seed"])


def training_loader(
    config: dict[str, Any],
    settings: EngineSettings,
    annotations: Annotations,
    *,
    workers: int,
    multiple: int,
) -> TrainLoader:
    """The batches of a run, of this process of the group. multiple: of pixels, that the network takes."""
    without_mosaic = round(settings.no_mosaic_fraction * settings.epochs)
    dataset = DetectionDataset(
        annotations,
        agc=gain_of(config),
        transform=_transform(config, multiple=multiple, mosaic_epochs=settings.epochs - without_mosaic),
        cache_mib=settings.cache_mib,
        seed=config["seed"],
    )
    return train_loader(
        dataset,
        batch_size=settings.batch_size // distributed.world_size(),
        workers=workers,
        seed=config["seed"],
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        rare_below=config["data"]["rare_below"],
        timeout=settings.timeout,
    )


def _transform(config: dict[str, Any], *, multiple: int, mosaic_epochs: int | None = None) -> Transform:
    return build("augment", config["augment"], multiple=multiple, mosaic_epochs=mosaic_epochs)


def _split_with_classes(data: Mapping[str, Any], split: str, classes: Sequence[str]) -> Annotations:
    annotations = load_split(data, split)
    if not set(annotations.classes) <= set(classes):
        raise UserError(
            f"data split {split}: has the classes {shown(annotations.classes, 20)}, "
            f"the training split has {shown(classes, 20)}; name them in data.source.classes"
        )
    # A file may list only the classes that occur in it.
    return with_classes(annotations, classes)


def _check(config: dict[str, Any], settings: EngineSettings, count: int, *, classes: tuple[str, ...]) -> None:
    """Whatever can be wrong, found before a folder is written or a process started."""
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
        annotations = _split_with_classes(data, split, classes)
        if split != data["train"]:
            # That one is read before the first step; these only after it.
            FrameStore(annotations, agc=gain, cache_mib=0)
    model = build("model", config["model"], classes=len(classes))
    _transform(config, multiple=model.stride)
    for part in ("assigner", "criterion", "optimizer", "postprocess"):
        build(part, config[part])
    build_evaluate(config)
    frame_rate(config["evaluation"].get("fps"))
    if config["resume"] is not None:
        checkpoint.load_weights(model, checkpoint.load(config["resume"])["model"], source=config["resume"])
    else:
        start(model, config["init"], settings=config["model"], classes=classes)
