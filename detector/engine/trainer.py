"""The training loop. It knows no loss, no assigner and no data set by name."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from detector import distributed
from detector.assign.protocol import Assigner
from detector.criterion.protocol import Criterion
from detector.data.loading.loader import TrainLoader
from detector.engine import checkpoint
from detector.engine.device import Precision
from detector.engine.ema import Ema
from detector.engine.interrupt import Interrupt
from detector.engine.optim import OptimizerFactory, WarmupCosine
from detector.engine.settings import EngineSettings
from detector.engine.steplog import StepLog
from detector.engine.tracking import Tracker
from detector.errors import Interrupted, UserError
from detector.evaluation.coco import Metrics
from detector.tensors import Batch, to_device

Validate = Callable[[nn.Module], Metrics | None]
"""Metrics of a model in eval mode; None on processes other than rank 0."""


@dataclass
class Progress:
    """Where a run stands; all a resumed run needs beside tensors.

    epoch: epochs behind us, evaluation included. batch: batches of the running one behind us. step: optimizer
    steps. best, best_epoch: the highest AP and the epochs behind it. stale: evaluations since then.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = -1
    stale: int = 0


class Trainer:
    """Trains a model and keeps `last.pt` and `best.pt` in `folder`.

    model: on precision.device. describe: what goes into every checkpoint beside the state: `config`, plain
    values, and `classes`. validate: called on the averaged model by every process.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        assigner: Assigner,
        criterion: Criterion,
        optimizer: OptimizerFactory,
        loader: TrainLoader,
        validate: Validate,
        precision: Precision,
        settings: EngineSettings,
        tracker: Tracker,
        folder: Path,
        describe: dict[str, Any],
    ) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.network = _wrapped(self.model, compiled=settings.compile)
        self.assigner = assigner
        self.criterion = criterion
        self.optimizer = optimizer(self.model)
        self.base_lrs = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.schedule = WarmupCosine(settings.warmup_fraction, floor=settings.lr_floor)
        self.loader = loader
        self.validate = validate
        self.precision = precision
        self.scaler = precision.scaler()
        self.settings = settings
        self.tracker = tracker
        self.folder = folder
        self.describe = describe
        self.ema = Ema(self.model, decay=settings.ema_decay)
        self.thresholds: dict[str, float] | None = None
        self.progress = Progress()
        self.log = StepLog()
        self.steps_per_epoch = len(loader) // settings.accumulate
        self.total_steps = settings.epochs * self.steps_per_epoch
        if self.steps_per_epoch == 0:
            raise UserError(
                f"engine.accumulate={settings.accumulate} is more than the {len(loader)} batches of an epoch"
            )

    def fit(self) -> None:
        """Train from where `progress` stands to the last epoch, or until patience ends.

        Raises Interrupted after saving when told to stop, NonFiniteError when a loss is not finite.
        """
        self.tracker.open(self.progress.step)
        with Interrupt() as interrupt:
            while self.progress.epoch < self.settings.epochs and not self._out_of_patience():
                self._run_epoch(interrupt)
                epoch = self.progress.epoch + 1
                evaluate = epoch % self.settings.evaluate_every == 0 or epoch == self.settings.epochs
                if evaluate:
                    # An evaluation can take longer than a cluster waits before it kills: resumed from here,
                    # the epoch has no batch left and is evaluated.
                    self.save("last.pt")
                    self._stop_if(interrupt)
                self.progress.epoch, self.progress.batch = epoch, 0
                if evaluate:
                    self._evaluate()
                self.save("last.pt")
                self._stop_if(interrupt)

    def state(self) -> dict[str, Any]:
        """Everything an exact continuation needs, as tensors and plain values."""
        return {
            **self.describe,
            "thresholds": self.thresholds,
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "ema_updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": checkpoint.random_state(),
            "progress": dict(vars(self.progress)),
        }

    def resume(self, state: dict[str, Any], *, source: str) -> None:
        """Continue where `state` was saved; UserError where it belongs to another model."""
        self.check_resumable(state, source=source)
        checkpoint.load_weights(self.model, state["model"], source=source)
        checkpoint.load_weights(self.ema.model, state["ema"], source=source)
        self.ema.updates = state["ema_updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the run so far needed no loss scaling
            self.scaler.load_state_dict(state["scaler"])
        checkpoint.restore_random_state(state["random"])
        self.progress = Progress(**state["progress"])
        self.thresholds = state["thresholds"]

    @staticmethod
    def check_resumable(state: dict[str, Any], *, source: str) -> None:
        """UserError where a state holds no training to go on with."""
        if "optimizer" not in state:
            raise UserError(
                f"checkpoint {source}: holds weights only: its training cannot go on; use last.pt"
            )

    def save(self, name: str) -> None:
        """Write the state to folder/name, on rank 0; refuses a state that is not finite."""
        self._flush()
        if distributed.rank() == 0:
            checkpoint.save(self.folder / name, self.state())
        distributed.barrier()

    def _run_epoch(self, interrupt: Interrupt) -> None:
        progress = self.progress
        self.model.train()
        self.loader.start(progress.epoch, progress.batch)
        self.tracker.start_epoch(
            progress.epoch,
            self.settings.epochs,
            steps=self.steps_per_epoch,
            done=progress.batch // self.settings.accumulate,
        )
        micro: list[Batch] = []
        clock = time.perf_counter()
        for batch in self.loader:
            self.tracker.waited(time.perf_counter() - clock)
            micro.append(batch)
            if len(micro) == self.settings.accumulate:
                self._step(micro)
                micro = []
                if progress.step % self.settings.log_every == 0:
                    self._flush()
                    self._stop_if(interrupt)
            clock = time.perf_counter()
        self._flush()
        self.tracker.end_epoch(progress.step)

    def _step(self, batches: list[Batch]) -> None:
        """One optimizer step over one or more batches."""
        factor = self.schedule(self.progress.step, total_steps=self.total_steps)
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * factor
        parts: dict[str, Tensor] = {}
        for number, batch in enumerate(batches):
            last = number == len(batches) - 1
            with self._gradients_exchanged(last):
                for name, value in self._backward(batch, share=1 / len(batches)).items():
                    parts[name] = parts.get(name, torch.zeros_like(value)) + value / len(batches)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.update()
        self.progress.step += 1
        self.progress.batch += len(batches)
        ids = torch.cat([batch.image_ids for batch in batches])
        norm = norm.detach()
        if self.scaler.is_enabled():
            # The scaler skips a step whose scaled gradient overflows: no movement, and no sign of trouble.
            norm = torch.where(norm.isfinite(), norm, 0)
        self.log.add(self.progress.step, {**parts, "gradient_norm": norm}, ids)
        self.tracker.stepped(images=len(ids) * distributed.world_size())

    def _backward(self, batch: Batch, *, share: float) -> dict[str, Tensor]:
        device = self.precision.device
        images = batch.images.to(device, non_blocking=True, memory_format=torch.channels_last)
        targets = to_device(batch.targets, device, non_blocking=True)
        with self.precision.autocast():
            output = self.network(images)
        assignment = self.assigner(output, targets)
        terms = self.criterion(output, assignment, targets, progress=self.progress.step / self.total_steps)
        self.scaler.scale(terms.total * share).backward()
        return terms.parts

    def _evaluate(self) -> None:
        self._synchronise_average()
        metrics = self.validate(self.ema.model)
        if metrics is not None:
            ap = metrics.overall["AP"] or 0.0
            better = ap > self.progress.best
            self.progress.stale = 0 if better else self.progress.stale + 1
            if better:
                self.progress.best, self.progress.best_epoch = ap, self.progress.epoch
                self.thresholds = metrics.diagnosis.thresholds.best_scores()
            self.tracker.evaluated(metrics, self.progress.epoch, self.progress.step)
        self._share_progress()
        if self.progress.stale == 0:
            self.save("best.pt")

    def _synchronise_average(self) -> None:
        """Give every process rank 0's averaged model: batch-norm statistics of the last step differ."""
        if distributed.world_size() > 1:
            for value in self.ema.model.state_dict().values():
                dist.broadcast(value, src=0)

    def _share_progress(self) -> None:
        if distributed.world_size() > 1:
            values = [vars(self.progress)]
            dist.broadcast_object_list(values, src=0)
            self.progress = Progress(**values[0])

    def _flush(self) -> None:
        """Read the losses of the steps since the last time; raises NonFiniteError."""
        self.tracker.losses(self.log.flush(), lr=float(self.optimizer.param_groups[0]["lr"]))

    def _stop_if(self, interrupt: Interrupt) -> None:
        if interrupt.anywhere(self.precision.device):
            self.save("last.pt")
            raise Interrupted(
                f"stopped after step {self.progress.step}; go on with resume={self.folder / 'last.pt'}"
            )

    def _out_of_patience(self) -> bool:
        patience = self.settings.patience
        if patience is None or self.progress.stale < patience:
            return False
        self.tracker.say(f"no better AP for {self.progress.stale} evaluations: stopping early")
        return True

    def _gradients_exchanged(self, exchange: bool) -> contextlib.AbstractContextManager[None]:
        if isinstance(self.network, DistributedDataParallel) and not exchange:
            return self.network.no_sync()
        return contextlib.nullcontext()


def _wrapped(model: nn.Module, *, compiled: bool) -> nn.Module:
    """The model as training calls it."""
    network: nn.Module = DistributedDataParallel(model) if distributed.world_size() > 1 else model
    if compiled:
        network.compile()
    return network
