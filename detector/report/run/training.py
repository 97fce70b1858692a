"""How the training went: losses, AP after each evaluation, learning rate, speed."""

from __future__ import annotations

import numpy as np

from detector.charts import plots
from detector.report.kit.page import Block, Drawing, Notice, Row, Section, Text
from detector.report.kit.words import decimal, whole_percent
from detector.report.run.history import Curve, History, thinned
from detector.report.run.record import RunRecord, left_out

_POINTS = 200
_EPOCH_ENDS = "time/images_per_second"
"""Written once at the end of each epoch."""

_LOSSES = "loss/"
_AP = ("AP", "AP50", "AP75")
_RISING = 0.05
"""Share of AP that the last evaluation gained, from which it was still rising."""

_WAITING = 0.2
"""Share of the time spent waiting for frames from which it is worth a word."""


def training(record: RunRecord) -> Section:
    """Curves over the epochs."""
    title = "Training"
    history = record.history
    losses = {tag.removeprefix(_LOSSES): curve for tag, curve in history.items() if tag.startswith(_LOSSES)}
    if not losses and "val/AP" not in history:
        return left_out(title, "The run's folder has no event files of its training (tensorboard/).")
    unit, per_unit = _unit(history)
    figures: list[Drawing] = []
    if losses:
        lines = {name: _xy(curve, per_unit) for name, curve in losses.items()}
        figure = plots.curves(lines, title="losses", x_label=unit, y_label="loss", scale="log y")
        figures.append(Drawing(figure, "losses by part"))
    evaluated = {name: _xy(history[f"val/{name}"], per_unit) for name in _AP if f"val/{name}" in history}
    if evaluated:
        figure = plots.curves(evaluated, title="validation", x_label=unit, y_label="AP", limits=(0, None))
        figures.append(Drawing(figure, "AP after each evaluation"))
    if "train/lr" in history:
        line = {"learning rate": _xy(history["train/lr"], per_unit)}
        figure = plots.curves(line, title="learning rate", x_label=unit, y_label="", limits=(0, None))
        figures.append(Drawing(figure, "learning rate"))
    return Section(title, (*_words(record, unit, per_unit), Row(tuple(figures))))


def _words(record: RunRecord, unit: str, per_unit: float) -> tuple[Block, ...]:
    blocks: list[Block] = []
    ap = record.history.get("val/AP")
    if ap is not None:
        blocks.append(Notice("note", "Best epoch", _progress(ap, unit, per_unit)))
    if any(tag.startswith(_LOSSES) for tag in record.history):
        blocks.append(Text("A loss that jumps: lower optimizer.lr."))
    waiting = record.history.get("time/data_wait_share")
    if waiting is not None and waiting.values.mean() > _WAITING:
        share = whole_percent(float(waiting.values.mean()))
        text = f"{share} of the time: raise engine.workers, if cores are free."
        blocks.append(Notice("note", "Waited for frames", text))
    return tuple(blocks)


def _progress(ap: Curve, unit: str, per_unit: float) -> str:
    """What the course of AP says about more epochs."""
    best = int(ap.values.argmax())
    at, last = ap.steps[best] / per_unit, ap.steps[-1] / per_unit
    text = f"AP was best after {unit} {at:.0f} of {last:.0f}: {decimal(float(ap.values[best]))}."
    if len(ap.values) < 2:
        return text
    if best < len(ap.values) - 1:
        return f"{text} What came after did not help."
    gain = float(ap.values[-1] - ap.values[-2])
    rising = f"{text} It gained {decimal(gain)} since the evaluation before"
    if gain < _RISING * ap.values[-1]:
        return f"{rising}."
    return f"{rising}: a longer training (engine.epochs) may help."


def _unit(history: History) -> tuple[str, float]:
    """What the curves are drawn over, and how many steps it has."""
    ends = history.get(_EPOCH_ENDS)
    return ("step", 1.0) if ends is None else ("epoch", float(ends.steps[0]))


def _xy(curve: Curve, per_unit: float) -> tuple[np.ndarray, np.ndarray]:
    few = thinned(curve, _POINTS)
    return few.steps / per_unit, few.values
