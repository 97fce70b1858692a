"""Trials of a tuning, and how they did on each fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.tuning.space import Setting


@dataclass(frozen=True)
class Trial:
    """One setting to be scored on every fold.

    number: from 1. repeats: the earlier trial of the same setting, whose scores it takes without training.
    confirms: the trial whose setting it trains with another seed; not a candidate for the best.
    """

    number: int
    phase: str
    setting: Setting
    seed: int
    repeats: int | None = None
    confirms: int | None = None


@dataclass(frozen=True)
class Scored:
    """scores: of the folds in order; fewer than all where the trial was pruned."""

    trial: Trial
    scores: tuple[float, ...]
    pruned: bool = False

    @property
    def mean(self) -> float:
        """Over the folds."""
        return float(np.mean(self.scores))

    @property
    def spread(self) -> float:
        """Standard deviation over the folds, of a sample; NaN of a single one."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else math.nan


def best(trials: Sequence[Scored]) -> Scored | None:
    """The candidate of the highest mean, of equals the first; None where there is none yet.

    Neither a pruned trial, which lacks folds, nor a confirming run, which would give a setting a second draw.
    """
    candidates = [one for one in trials if not one.pruned and one.trial.confirms is None]
    return max(candidates, key=lambda one: one.mean, default=None)  # of equals max takes the first
