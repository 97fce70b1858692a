"""The record of a tuning: every trial with its setting, its score on each fold, and what became of it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from detector.tuning.markdown import table
from detector.tuning.space import shown
from detector.tuning.trials import Scored, best


@dataclass(frozen=True)
class Record:
    """parameters: their short names. trials: in order of their numbers."""

    parameters: tuple[str, ...]
    folds: int
    metric: str
    trials: tuple[Scored, ...]

    def csv(self) -> str:
        """A line for every trial: setting, seed, mean and standard deviation, each fold, memo.

        A pruned trial has neither mean nor standard deviation, for those of fewer folds compare with none.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        folds = (f"fold_{fold}" for fold in range(self.folds))
        writer.writerow(("trial", "phase", *self.parameters, "seed", "mean", "sd", *folds, "memo"))
        for one in self.trials:
            summary = ("", "") if one.pruned else (f"{one.mean:.6f}", f"{one.spread:.6f}")
            scores = [f"{score:.6f}" for score in one.scores]
            scores += [""] * (self.folds - len(scores))
            row = (*self._what(one), one.trial.seed, *summary, *scores, self.memo(one))
            writer.writerow(row)
        return text.getvalue()

    def markdown(self) -> str:
        """The same as a table, mean and standard deviation in one cell and no folds."""
        header = ("trial", "phase", *self.parameters, f"{self.metric} over {self.folds} folds", "memo")
        rows = []
        for one in self.trials:
            score = "" if one.pruned else f"{one.mean:.4f} ± {one.spread:.4f}"
            rows.append((*self._what(one), score, self.memo(one)))
        return table(header, rows) + "\n"

    def memo(self, one: Scored) -> str:
        """What is to be said of a trial, seen from all that are known now."""
        trial = one.trial
        if trial.repeats is not None:
            return f"as trial {trial.repeats}, not trained again"
        if trial.confirms is not None:
            confirmed = next(other for other in self.trials if other.trial.number == trial.confirms)
            return f"confirms trial {trial.confirms} with another seed: {one.mean - confirmed.mean:+.4f}"
        if one.pruned:
            return f"pruned after {len(one.scores)} of {self.folds} folds"
        leader = best(self.trials)
        if leader is one:
            return "best"
        upto = [other for other in self.trials if other.trial.number < self._end_of_phase(one)]
        return f"best until phase {trial.phase} ended" if best(upto) is one else ""

    def _end_of_phase(self, one: Scored) -> int:
        """The number after the last trial of its phase."""
        numbers = [other.trial.number for other in self.trials if other.trial.phase == one.trial.phase]
        return max(numbers) + 1

    def _what(self, one: Scored) -> tuple[str, ...]:
        values = (shown(one.trial.setting[name]) for name in self.parameters)
        return (str(one.trial.number), one.trial.phase, *values)
