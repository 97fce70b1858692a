"""Why a run learned next to nothing, and what to do next."""

from __future__ import annotations

import math

import numpy as np

from detector.report.kit.page import Notice
from detector.report.kit.words import listed
from detector.report.run.history import Curve
from detector.report.run.record import RunRecord

FEW_STEPS = 1000
"""Below it a network from scratch has hardly begun."""

FEW_BOXES = 100
"""Of a class, below which it is hardly learned (HIT-UAV's OtherVehicle: 51 boxes, AP50 0.01)."""


def failure(record: RunRecord) -> Notice | None:
    """What a failed run lacked; None of one that did not fail."""
    told = record.headline
    if told is None or told.verdict != "failed":
        return None
    losses = [curve for tag, curve in record.history.items() if tag.startswith("loss/")]
    steps = max((int(curve.steps[-1]) for curve in losses), default=None)
    falling = "loss/total" in record.history and still_falls(record.history["loss/total"])
    train = record.splits.get(str(record.setting("data.train")))
    boxes = {} if train is None else dict(zip(train.classes, train.object_counts().tolist(), strict=True))
    reasons = []
    if steps is not None:
        reasons.append(f"{steps} steps" + (", the loss was still falling" if falling else ""))
    if train is not None:
        counts = ", ".join(f"{count} {name}" for name, count in boxes.items())
        reasons.append(f"{len(train.records)} training frames with {counts}")
    reasons += _scores(record)
    text = "; ".join(reasons) or "The run's folder does not tell"
    return Notice("error", "Why", f"{text}.", _next(record, steps, boxes, falling=falling))


def still_falls(loss: Curve) -> bool:
    """Whether the last quarter of the steps is 3 % or more below the quarter before it."""
    quarters = np.array_split(loss.values, 4)
    if len(loss.values) < 8:
        return False
    return bool(quarters[3].mean() < 0.97 * quarters[2].mean())


def _scores(record: RunRecord) -> list[str]:
    if record.evaluated is None or record.headline is None:
        return []
    scores, least = record.evaluated.pool.found.scores, min(record.headline.thresholds.values())
    highest = float(scores.max(initial=0.0))
    return [f"no score reaches {least:.2f}, the highest is {highest:.2f}"] if highest < least else []


def _next(record: RunRecord, steps: int | None, boxes: dict[str, int], *, falling: bool) -> str:
    advice = []
    epochs = record.setting("engine.epochs")
    if steps and epochs and (falling or steps < FEW_STEPS):
        longer = max(2, math.ceil(2 * FEW_STEPS / steps))
        advice.append(f"train longer (engine.epochs={longer * epochs})")
    few = {name: count for name, count in boxes.items() if count < FEW_BOXES}
    if few:
        advice.append(f"label more {listed(list(few))} ({FEW_BOXES} boxes each at least)")
    data = f"data={record.setting('data.source.name')} data.root={record.setting('data.root')}"
    advice.append(f"check the labels: thermal-detector doctor {data}")
    return "Next: " + "; ".join(advice)
