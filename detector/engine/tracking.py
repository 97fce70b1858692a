"""What a person sees of a run: a progress bar, lines on the console, TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from detector.charts.evaluation import pictures
from detector.engine.steplog import GRADIENT, StepRecord
from detector.evaluation.coco import Metrics
from detector.evaluation.worst import worst

COUNTS = {"positives", "hard_negatives", "hard_negative_score"}


class Tracker:
    """Writes to the console and, where `folder` is given, to TensorBoard from `open` on. Silent with `quiet`.

    pictures: makes the pictures to show with each evaluation; called by `evaluated`.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        quiet: bool = False,
        pictures: Callable[[], Sequence[np.ndarray]] | None = None,
    ) -> None:
        self.folder = folder
        self.writer: SummaryWriter | None = None
        self.quiet = quiet
        self.pictures = pictures
        self.bar: tqdm | None = None
        self._begin_anew()

    def open(self, step: int) -> None:
        """Start writing to TensorBoard after `step`; it hides what a killed run wrote of later steps."""
        if self.folder is not None:
            self.writer = SummaryWriter(str(self.folder), purge_step=step + 1)

    def start_epoch(self, epoch: int, epochs: int, *, steps: int, done: int) -> None:
        """steps: of a whole epoch; done: those a resumed run has behind it."""
        self._begin_anew()
        self._epoch_name = f"epoch {epoch + 1}/{epochs}"
        if not self.quiet:
            # disable=None: no bar where nobody watches; a line per epoch remains.
            self.bar = tqdm(total=steps, initial=done, desc=self._epoch_name, disable=None, leave=False)

    def waited(self, seconds: float) -> None:
        """Seconds in which a step waited for its data."""
        self._waiting += seconds

    def stepped(self, *, images: int) -> None:
        self._images += images
        if self.bar is not None:
            self.bar.update()

    def losses(self, records: Sequence[StepRecord], *, lr: float) -> None:
        """Every loss part and count of the steps since the last call."""
        for record in records:
            for name, value in record.values.items():
                self._scalar(f"{self._group(name)}/{name}", value, record.step)
                self._values.setdefault(name, []).append(value)
        if not records:
            return
        latest = records[-1]
        self._scalar("train/lr", lr, latest.step)
        if self.bar is not None:
            shown = {name: f"{value:.3f}" for name, value in latest.values.items() if name not in COUNTS}
            self.bar.set_postfix({**shown, "lr": f"{lr:.1e}", "img/s": f"{self._throughput():.0f}"})

    def end_epoch(self, step: int) -> None:
        """Its mean losses and throughput; nothing where a resumed run had no step left in it."""
        if self.bar is not None:
            self.bar.close()
        if self._images == 0:
            return
        seconds = time.perf_counter() - self._start
        self._scalar("time/images_per_second", self._throughput(), step)
        self._scalar("time/data_wait_share", self._waiting / seconds, step)
        shown = {name: values for name, values in self._values.items() if name not in COUNTS}
        losses = "  ".join(f"{name} {fmean(values):.3f}" for name, values in shown.items())
        self.say(
            f"{self._epoch_name}  {losses}  {self._throughput():.0f} img/s, "
            f"waiting for data {self._waiting / seconds:.1%}"
        )

    def evaluated(self, metrics: Metrics, epoch: int, step: int) -> None:
        """Metrics of the averaged model after `epoch`."""
        for name, value in metrics.scalars().items():
            if value is not None:
                self._scalar(f"val_{name}" if "/" in name else f"val/{name}", value, step)
        drawn = {*worst({name: values["AP"] for name, values in metrics.per_class.items()})}
        for label, (name, values) in enumerate(metrics.per_class.items()):
            if values["AP"] is None or name not in drawn:
                continue
            self._scalar(f"val_AP_by_class/{name}", values["AP"], step)
            if self.writer is not None:
                curve = metrics.curves.tensorboard(label)
                self.writer.add_pr_curve_raw(f"val_PR/{name}", **curve, global_step=step)
        self._show(metrics, step)
        shown = {name: metrics.overall[name] or 0.0 for name in ("AP", "AP50", "AP75")}
        self.say(f"epoch {epoch}: val " + "  ".join(f"{name} {value:.4f}" for name, value in shown.items()))

    def _show(self, metrics: Metrics, step: int) -> None:
        """Samples, and figures of what was measured: the confusion matrix and the like."""
        if self.writer is None:
            return
        samples = self.pictures() if self.pictures is not None else ()
        tagged = {f"val/{number}": picture for number, picture in enumerate(samples)}
        tagged |= {f"val_figures/{name}": picture for name, picture in pictures(metrics).items()}
        for tag, picture in tagged.items():
            self.writer.add_image(tag, picture, step, dataformats="HWC")
        self.writer.flush()

    def say(self, text: str) -> None:
        if not self.quiet:
            tqdm.write(text)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        if self.writer is not None:
            self.writer.close()

    def _begin_anew(self) -> None:
        """Of an epoch: its clock and what its steps had, by name."""
        self._start = time.perf_counter()
        self._waiting = 0.0
        self._images = 0
        self._values: dict[str, list[float]] = {}

    def _throughput(self) -> float:
        return self._images / max(1e-9, time.perf_counter() - self._start)

    def _group(self, name: str) -> str:
        return "counts" if name in COUNTS else "train" if name == GRADIENT else "loss"

    def _scalar(self, tag: str, value: float, step: int) -> None:
        if self.writer is not None:
            self.writer.add_scalar(tag, value, step)
