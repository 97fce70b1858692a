"""The training loop. It knows no loss, no assigner and no data set by name."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from detector import distributed
from detector.assign.protocol import Assigner
from detector.criterion.protocol import Criterion
from detector.data.loading.loader import TrainLoader
from detector.engine import checkpoint
from detector.engine.device import Precision
from detector.engine.ema import Ema
from detector.engine.finite import Skipping, require_sound
from detector.engine.gradients import Gradients
from detector.engine.interrupt import Interrupt
from detector.engine.optim import OptimizerFactory, WarmupCosine, load_memory
from detector.engine.progress import Progress
from detector.engine.settings import EngineSettings
from detector.engine.steplog import GRADIENT, NonFiniteStep, StepLog
from detector.engine.tracking import Tracker
from detector.errors import Interrupted, UserError
from detector.evaluation.coco import Metrics
from detector.tensors import Batch

Validate = Callable[[nn.Module], Metrics | None]
"""Metrics of a model in eval mode; None on processes other than rank 0."""


LAST, BEST = "last.pt", "best.pt"
NONFINITE = "nonfinite.json"


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
        self.gradients = Gradients(
            self.model,
            assigner=assigner,
            criterion=criterion,
            precision=precision,
            settings=settings,
            say=tracker.say,
        )
        self.optimizer = optimizer(self.model)
        self.base_lrs = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.schedule = WarmupCosine(settings.warmup_fraction, floor=settings.lr_floor)
        self.loader = loader
        self.validate = validate
        self.precision = precision
        self.scaler = self.gradients.scaler
        self.settings = settings
        self.tracker = tracker
        self.folder = folder
        self.describe = describe
        self.ema = Ema(self.model, decay=settings.ema_decay)
        self.thresholds: dict[str, float] | None = None
        self.progress = Progress()
        self.saved = 0  # at which step
        self.log = StepLog(scaled=self.scaler.is_enabled())
        first = distributed.rank() == 0
        self.skipping = Skipping(
            settings.on_nonfinite, settings.most_skipped, folder.parent / NONFINITE if first else None
        )
        self.steps_per_epoch = len(loader) // settings.accumulate
        self.total_steps = settings.epochs * self.steps_per_epoch
        if self.steps_per_epoch == 0:
            raise UserError(
                f"engine.accumulate={settings.accumulate} is more than the {len(loader)} batches of an epoch"
            )

    def fit(self) -> None:
        """Train from where `progress` stands to the last epoch, or until patience ends.

        Raises Interrupted after saving when told to stop; NonFiniteError when a loss, a gradient or what is
        to be saved is not finite, as `engine.on_nonfinite` has it.
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
                    self.save(LAST)
                    self._stop_if(interrupt)
                self.progress.epoch, self.progress.batch = epoch, 0
                if evaluate:
                    self._evaluate(interrupt)
                # Of ten frames an epoch is one step, less work than saving it.
                if evaluate or self.progress.step - self.saved >= self.settings.log_every:
                    self.save(LAST)
                self._stop_if(interrupt)
        self.log.require_movement()

    def step_to(self, step: int) -> list[Batch]:
        """Take the steps that lie before `step`, and return its batches; nothing is told, judged or saved.

        Of a step that is behind already only the batches are made.
        """
        progress = self.progress
        self.model.train()
        while progress.step < step - 1:
            self.loader.start(progress.epoch, progress.batch)
            batches = iter(self.loader)
            while micro := list(itertools.islice(batches, self.settings.accumulate)):
                if len(micro) == self.settings.accumulate and progress.step < step - 1:
                    self._step(micro)
                else:
                    break
            progress.epoch, progress.batch = progress.epoch + 1, 0
        epoch, number = divmod(step - 1, self.steps_per_epoch)
        self.loader.start(epoch, number * self.settings.accumulate)
        return list(itertools.islice(self.loader, self.settings.accumulate))

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
            "skipped": self.skipping.skipped,
        }

    def resume(self, state: dict[str, Any], *, source: str) -> None:
        """Continue where `state` was saved; UserError where it belongs to another model."""
        self.check_resumable(state, source=source)
        with checkpoint.as_saved(source):
            self._restore(state, source)

    def _restore(self, state: dict[str, Any], source: str) -> None:
        checkpoint.load_weights(self.model, state["model"], source=source)
        checkpoint.load_weights(self.ema.model, state["ema"], source=source)
        self.ema.updates = state["ema_updates"]
        load_memory(self.optimizer, state["optimizer"], source=source)
        if state["scaler"]:  # empty where the run so far needed no loss scaling
            self.scaler.load_state_dict(state["scaler"])
        checkpoint.restore_random_state(state["random"])
        self.progress = Progress(**state["progress"])
        self.thresholds = state["thresholds"]
        self.skipping.skipped = list(state.get("skipped", []))  # older runs have no such key

    @staticmethod
    def check_resumable(state: dict[str, Any], *, source: str) -> None:
        """UserError where a state holds no training to go on with."""
        if not {"optimizer", "progress"} <= state.keys():
            raise UserError(
                f"checkpoint {source}: holds weights only: its training cannot go on; use last.pt"
            )

    def save(self, name: str) -> None:
        """Write the state to folder/name, on rank 0; NonFiniteError where any process' is not finite."""
        self._flush()
        path = self.folder / name
        models = {"the model": self.model, "the averaged model": self.ema.model}
        require_sound(models, self.optimizer, step=self.progress.step, file=path)
        if distributed.rank() == 0:
            checkpoint.save(path, self.state(), keep=self.settings.keep if name == LAST else 0)
        self.saved = self.progress.step
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
                if interrupt.due(self.precision.device, progress.step, every=self.settings.log_every):
                    self._stop()
            clock = time.perf_counter()
        self._flush()
        self.tracker.end_epoch(progress.step)

    def _step(self, batches: list[Batch]) -> None:
        """One optimizer step over one or more batches."""
        factor = self.schedule(self.progress.step, total_steps=self.total_steps)
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * factor
        self.skipping.remember(self.model)
        parts: dict[str, Tensor] = {}
        progress = self.progress.step / self.total_steps
        for number, batch in enumerate(batches):
            last = number == len(batches) - 1
            with self.gradients.exchanged(last):
                for name, value in self.gradients(batch, progress=progress).items():
                    parts[name] = parts.get(name, torch.zeros_like(value)) + value / len(batches)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        values = {**parts, GRADIENT: norm.detach()}
        ids = torch.cat([batch.image_ids for batch in batches])
        # An overflow of scaled gradients is the scaler's to skip.
        bad = self.skipping.bad(parts if self.scaler.is_enabled() else values)
        if not bad:
            self.scaler.step(self.optimizer)
        self.scaler.update()
        # Graphs add to gradients where they are.
        self.optimizer.zero_grad(set_to_none=self.gradients.graphs is None)
        self.progress.step += 1
        self.progress.batch += len(batches)
        if bad:
            self._skip(bad, ids)
        else:
            self.ema.update()
            self.log.add(self.progress.step, values, ids)
        self.tracker.stepped(images=len(ids) * distributed.world_size())

    def _skip(self, bad: list[str], ids: Tensor) -> None:
        """Go on as if the step's batch had not been there. All processes have the same numbers."""
        self.skipping.undo(self.model)
        everyone = distributed.world_gather(ids.to(self.precision.device)).flatten().tolist()
        self.skipping.note(self.progress.step, bad, everyone, where=self._where(self.progress.step))
        self.tracker.say(f"step {self.progress.step} skipped: {', '.join(bad)} not finite, images {everyone}")

    def _where(self, step: int) -> str:
        epoch, number = divmod(step - 1, self.steps_per_epoch)
        return f"epoch {epoch + 1}, batch {(number + 1) * self.settings.accumulate}"

    def _evaluate(self, interrupt: Interrupt) -> None:
        self._synchronise_average()
        # Saved before: there is nothing to finish first.
        with interrupt.at_once(self._stopped()):
            metrics = self.validate(self.ema.model)
        if metrics is not None:
            self.progress.judged(metrics.overall["AP"])
            self.thresholds = metrics.diagnosis.thresholds.best_scores()
            self.tracker.evaluated(metrics, self.progress.epoch, self.progress.step)
        self._share_progress()
        if self.progress.best_epoch == self.progress.epoch:
            self.save(BEST)

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
        """Read the losses of the steps since the last time; raises NonFiniteStep."""
        try:
            records = self.log.flush()
        except NonFiniteStep as error:
            self.skipping.note(error.step, error.terms, error.images, where=self._where(error.step))
            raise
        self.tracker.losses(records, lr=float(self.optimizer.param_groups[0]["lr"]))

    def _stop_if(self, interrupt: Interrupt) -> None:
        if interrupt.anywhere(self.precision.device):
            self._stop()

    def _stop(self) -> None:
        self.save(LAST)
        raise Interrupted(self._stopped())

    def _stopped(self) -> str:
        return f"stopped after step {self.progress.step}; go on with resume={self.folder / LAST}"

    def _out_of_patience(self) -> bool:
        patience = self.settings.patience
        if patience is None or self.progress.stale < patience:
            return False
        self.tracker.say(f"no better AP for {self.progress.stale} evaluations: stopping early")
        return True
