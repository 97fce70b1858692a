"""How long to train, where nobody said: enough steps for few frames too. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from detector.engine.settings import number_from

AUTO = "auto"
EPOCHS = 16
"""At least; what three thousand frames and more get."""
STEPS = 3000
"""At least, however few the frames: a third of it left much unlearnt (docs/weights.md)."""
EVALUATIONS = 8
"""Of a run: often enough to find its best weights, seldom enough to cost little."""


def fitted(settings: Mapping[str, Any], *, frames: int, processes: int) -> dict[str, Any]:
    """The settings under `engine` with numbers for "auto", and with batches that so many frames can fill.

    batch_size: not more than the frames, a multiple of the processes. epochs: EPOCHS, or as many as make
    STEPS optimizer steps. evaluate_every: EVALUATIONS evenly spaced ones. UserError for any other word.
    """
    known = dict(settings)
    for name in ("epochs", "evaluate_every"):
        if known[name] != AUTO:
            number_from(f"engine.{name}", known[name], least=1)
    if isinstance(known["batch_size"], int) and frames < known["batch_size"]:
        known["batch_size"] = max(frames // processes, 1) * processes
    if known["epochs"] == AUTO:
        batches = frames // max(known["batch_size"], 1)
        known["epochs"] = max(EPOCHS, math.ceil(STEPS / max(batches // max(known["accumulate"], 1), 1)))
    if known["evaluate_every"] == AUTO:
        known["evaluate_every"] = max(1, math.ceil(known["epochs"] / EVALUATIONS))
    return known
