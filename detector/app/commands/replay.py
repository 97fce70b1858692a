"""Find what made a training step's loss or gradients NaN or infinite."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from detector.app.build import run_config
from detector.app.initial import start
from detector.app.parts import build
from detector.app.settings import typed
from detector.app.training.frames import false_alarms_on, training_loader, training_split
from detector.data.annotations import Annotations
from detector.engine import checkpoint
from detector.engine.device import pick_device, pick_precision
from detector.engine.replay import examine
from detector.engine.settings import EngineSettings
from detector.engine.tracking import Tracker
from detector.engine.trainer import LAST, NONFINITE, Trainer
from detector.errors import UserError
from detector.files import require_regular


def run(config: DictConfig) -> None:
    """The command: config as in configs/replay.yaml."""
    folder = Path(str(config.run))
    step, images = noted(folder / NONFINITE, config.step)
    source = folder / "checkpoints" / LAST if config.checkpoint is None else Path(str(config.checkpoint))
    begun = config.checkpoint is None and not source.is_file()
    state = None if begun else checkpoint.load(source)
    values = run_config(folder) if state is None else state["config"]
    with tempfile.TemporaryDirectory() as scratch:
        with checkpoint.as_saved(str(source)):
            values["engine"]["device"] = config.device
            if config.root is not None:
                values["data"]["root"] = str(config.root)
            annotations = training_split(values)
            trainer = _trainer(values, annotations, state, folder=Path(scratch), source=str(source))
        _replay(
            trainer, step, images, annotations, source="the weights it began with" if begun else str(source)
        )


def noted(file: Path, step: object) -> tuple[int, list[int]]:
    """A step of nonfinite.json, None: the last, and the ids of its images. UserError where there is none."""
    require_regular(file)
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        found = {int(entry["step"]): [int(key) for key in entry["images"]] for entry in entries}
    except OSError as error:
        raise UserError(
            f"{file}: {error.strerror}; the run has met no such number, or run= is another"
        ) from None
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise UserError(f"{file}: is not what a run writes there") from None
    if step is None and found:
        step = max(found)
    if not isinstance(step, int) or step not in found or step < 1:
        raise UserError(f"{file}: has no step {step}, only {', '.join(map(str, sorted(found)))}")
    return step, found[step]


def _trainer(
    config: dict[str, Any],
    annotations: Annotations,
    state: dict[str, Any] | None,
    *,
    folder: Path,
    source: str,
) -> Trainer:
    """The run where a checkpoint has it, or where it began; it writes to `folder` if anywhere."""
    settings = typed(EngineSettings, config["engine"], where="engine")
    device = pick_device(settings.device)
    torch.manual_seed(config["seed"])
    classes = annotations.classes
    model = build("model", config["model"], classes=len(classes)).to(device)
    if state is None:
        start(model, config["init"], settings=config["model"], classes=classes)
    trainer = Trainer(
        model,
        assigner=build("assigner", config["assigner"]),
        criterion=build("criterion", config["criterion"]),
        optimizer=build("optimizer", config["optimizer"]),
        loader=training_loader(
            config,
            settings,
            annotations,
            false_alarms=false_alarms_on(annotations, config["data"]),
            workers=0,
            multiple=model.stride,
        ),
        validate=lambda _model: None,
        precision=pick_precision(settings.precision, device),
        settings=settings,
        tracker=Tracker(None, quiet=True),
        folder=folder / "checkpoints",
        describe={},
    )
    if state is not None:
        trainer.resume(state, source=source)
    return trainer


def _replay(trainer: Trainer, step: int, images: list[int], annotations: Annotations, *, source: str) -> None:
    """Take the steps between, and tell what is not finite in this one."""
    if step > trainer.total_steps:
        raise UserError(f"step {step}: the run has only {trainer.total_steps}")
    behind = trainer.progress.step
    again = trainer.step_to(step)
    made = torch.cat([batch.image_ids for batch in again]).tolist() if again else []
    if not set(images) <= set(made):
        raise UserError(
            f"step {step} had the images {images}, and the batch made again has {made}: the training split "
            "or the settings of the run have changed since"
        )
    between = max(trainer.progress.step - behind, 0)
    print(f"step {step}, images {made}, after {between} steps from {source}:")
    lines = examine(
        trainer.model,
        again,
        assigner=trainer.gradients.assigner,
        criterion=trainer.gradients.criterion,
        precision=trainer.precision,
        progress=trainer.progress.step / trainer.total_steps,
    )
    names = {
        key: annotations.table.paths[row] for row, key in enumerate(annotations.table.image_ids.tolist())
    }
    for line in lines:
        key = line.removeprefix("image ").partition(":")[0].partition(" ")[0]
        own = names.get(int(key)) if line.startswith("image ") and key.lstrip("-").isdigit() else None
        print(f"  {line}" + (f" ({own})" if own else ""))
    if not lines:
        print("  all is finite here: another device, precision or number of processes may round otherwise")
