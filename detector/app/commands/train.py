"""Train a detector, then judge its best checkpoint."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from detector import distributed
from detector.app import build
from detector.app.commands.evaluate import judge, sample_pictures
from detector.app.running import processes
from detector.data.annotations import Annotations
from detector.data.loading.dataset import DetectionDataset, FrameStore
from detector.data.loading.loader import TrainLoader, lost_workers_explained, train_loader
from detector.engine import checkpoint
from detector.engine.detect import detect
from detector.engine.device import Precision, pick_device, pick_precision
from detector.engine.environment import versions
from detector.engine.optim import WarmupCosine
from detector.engine.tracking import Tracker
from detector.engine.trainer import Settings, Trainer
from detector.errors import UserError
from detector.evaluation.coco import Metrics
from detector.structures import Detections

SETTINGS = (
    "epochs",
    "accumulate",
    "clip_norm",
    "ema_decay",
    "evaluate_every",
    "patience",
    "log_every",
    "compile",
)
PICTURES = 6


def run(config: DictConfig) -> None:
    """The command: config as in configs/train.yaml."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    if config.resume is not None:
        config, folder = _resumed(config, HydraConfig.get().overrides.task)
    device = pick_device(config.engine.device)
    count = processes.how_many(config.engine.processes, device)
    _check(config, count)
    command = shlex.join(("python", "scripts/train.py", *HydraConfig.get().overrides.task))
    plain = {"config": build.as_plain(config), "folder": str(folder), "command": command}
    processes.launch(train, plain, device=device, processes=count)
    if not processes.first():
        return

    print(f"judging {folder / 'checkpoints' / 'best.pt'}")
    own = OmegaConf.create({"root": None, "split": None, "source": None})
    judge(
        folder / "checkpoints" / "best.pt",
        data=own,
        engine=config.engine,
        evaluate=build.build_evaluate(config),
        output=folder,
    )
    print(f"checkpoint:  {folder / 'checkpoints' / 'best.pt'}")
    print(f"pictures:    {folder / 'samples.png'}")
    print(f"TensorBoard: tensorboard --logdir {folder / 'tensorboard'}")


def train(plain: dict[str, Any]) -> None:
    """Train as one of the processes of the group; everything is made here from plain values."""
    config, folder = build.as_config(plain["config"]), Path(plain["folder"])
    device = pick_device(config.engine.device)
    precision = pick_precision(config.engine.precision, device)
    torch.manual_seed(config.seed)

    loader = _train_loader(config)
    classes = loader.dataset.annotations.classes
    model = build.build_model(config, classes=len(classes)).to(device)
    validation = Validation(config, classes=classes, multiple=model.stride, precision=precision)
    first = distributed.rank() == 0
    tracker = Tracker(
        folder / "tensorboard" if first else None, quiet=not first, pictures=validation.pictures
    )
    trainer = Trainer(
        model,
        assigner=instantiate(config.assigner),
        criterion=instantiate(config.criterion),
        optimizer=instantiate(config.optimizer),
        schedule=WarmupCosine(warmup_steps=config.engine.warmup_steps, floor=config.engine.lr_floor),
        loader=loader,
        validate=validation,
        precision=precision,
        settings=Settings(**{name: config.engine[name] for name in SETTINGS}),
        tracker=tracker,
        folder=folder / "checkpoints",
        describe={"config": plain["config"], "classes": list(classes)},
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    machine = f"{distributed.world_size()} x {device}, {str(precision.dtype).removeprefix('torch.')}"
    tracker.say(
        f"{len(loader.dataset)} training and {len(validation.annotations.records)} validation frames, "
        f"{len(classes)} classes, {parameters / 1e6:.2f} M parameters, {machine}"
    )
    if config.resume is not None:
        trainer.resume(checkpoint.load(config.resume), source=config.resume)
    if first:
        # Only now: whatever is wrong with data or settings has been found, and leaves no folder behind.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(config, resolve=True))
        if config.resume is None:  # else it is there, with the command that began the run
            environment = {"command": plain["command"], "device": machine, "versions": versions()}
            (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    try:
        with lost_workers_explained():
            trainer.fit()
    finally:
        tracker.close()


class Validation:
    """Evaluates a model on the validation split; keeps what it found for pictures."""

    def __init__(
        self, config: DictConfig, *, classes: Sequence[str], multiple: int, precision: Precision
    ) -> None:
        self.annotations = _split_with_classes(config, config.data.val, classes)
        self.precision = precision
        self.postprocess = build.build_postprocess(config)
        self.evaluate = build.build_evaluate(config)
        self.loader = build.evaluation_loader(
            self.annotations,
            agc=build.build_agc(config),
            multiple=multiple,
            engine=config.engine,
            rank=distributed.rank(),
            world_size=distributed.world_size(),
        )
        self.detections: dict[int, Detections] = {}

    def __call__(self, model: nn.Module) -> Metrics | None:
        """Metrics on rank 0, which alone has all detections; None elsewhere."""
        self.detections = detect(
            model,
            self.loader,
            postprocess=self.postprocess,
            sizes=build.frame_sizes(self.annotations),
            precision=self.precision,
        )
        if distributed.rank() > 0:
            return None
        return self.evaluate(self.annotations, self.detections)

    def pictures(self) -> list[np.ndarray]:
        """Detections of the last evaluation beside truth."""
        return sample_pictures(self.loader, self.annotations, self.detections, count=PICTURES)


def _train_loader(config: DictConfig) -> TrainLoader:
    engine = config.engine
    annotations = build.load_split(config.data, config.data.train)
    plain_epochs = round(engine.plain_share * engine.epochs)
    transform = instantiate(config.augment, mosaic_epochs=engine.epochs - plain_epochs)
    dataset = DetectionDataset(
        annotations,
        agc=build.build_agc(config),
        transform=transform,
        cache_mib=engine.cache_mib,
        seed=config.seed,
    )
    return train_loader(
        dataset,
        batch_size=engine.batch_size // distributed.world_size(),
        workers=engine.workers,
        seed=config.seed,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
        rare_below=config.data.rare_below,
    )


def _split_with_classes(config: DictConfig, split: str, classes: Sequence[str]) -> Annotations:
    annotations = build.load_split(config.data, split)
    if annotations.classes != tuple(classes):
        raise UserError(
            f"data split {split}: has the classes {', '.join(annotations.classes)}, "
            f"the training split has {', '.join(classes)}; name them in data.source.classes"
        )
    return annotations


def _check(config: DictConfig, count: int) -> None:
    """Whatever can be wrong, found before a folder is written or a process started."""
    engine = config.engine
    pick_precision(engine.precision, pick_device(engine.device))
    build.check_loading(engine)
    if engine.batch_size % count:
        raise UserError(f"engine.batch_size={engine.batch_size}: must be a multiple of the {count} processes")
    if not 0 <= engine.plain_share <= 1:
        raise UserError(f"engine.plain_share={engine.plain_share}: must be between 0 and 1")
    if config.seed < 0:
        raise UserError(f"seed={config.seed}: must be at least 0")
    Settings(**{name: engine[name] for name in SETTINGS})
    WarmupCosine(warmup_steps=engine.warmup_steps, floor=engine.lr_floor)
    classes = build.load_split(config.data, config.data.train).classes
    for split in dict.fromkeys((config.data.val, config.data.split)):
        annotations = _split_with_classes(config, split, classes)
        if split not in (config.data.train, config.data.val):
            # Those two are read before the first step; this one only after the last.
            FrameStore(annotations, agc=build.build_agc(config), cache_mib=0)
    model = build.build_model(config, classes=len(classes))
    if any(side % model.stride for side in config.augment.size):
        raise UserError(
            f"augment.size={list(config.augment.size)}: must be multiples of the stride {model.stride}"
        )
    for part in ("thermal", "assigner", "criterion", "optimizer", "augment"):
        instantiate(config[part])
    build.build_postprocess(config)
    build.build_evaluate(config)
    if config.resume is not None:
        checkpoint.load_weights(model, checkpoint.load(config.resume)["model"], source=config.resume)


def _resumed(config: DictConfig, overrides: Sequence[str]) -> tuple[DictConfig, Path]:
    """The interrupted run's configuration, with the values of the command line on top, and its folder."""
    path = Path(str(config.resume))
    saved = build.as_config(checkpoint.load(path)["config"])
    for override in overrides:
        key = override.partition("=")[0]
        if isinstance(OmegaConf.select(saved, key), DictConfig):
            raise UserError(f"{override}: a resumed run keeps its configuration but for single values")
        OmegaConf.update(saved, key, OmegaConf.select(config, key))
    saved.resume = str(path)
    return saved, path.resolve().parent.parent
