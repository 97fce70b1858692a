"""The folder of a tuning: its trainings, and what is written down of them."""

from __future__ import annotations

import math
import shlex
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from detector.app.tuning.winner import GROUP, write_winner
from detector.errors import UserError
from detector.report.study.tuning_figure import figure
from detector.tuning.record import Record
from detector.tuning.space import Space
from detector.tuning.study import fold_overrides
from detector.tuning.training import Training
from detector.tuning.trials import Scored, Trial, best


@dataclass(frozen=True)
class Output:
    """tune: as in configs/tune/*.yaml."""

    tune: DictConfig
    space: Space
    folder: Path

    def training(self, trial: Trial, fold: int) -> Training:
        """One fold of a trial."""
        return Training(
            self.folder / "trials" / f"{trial.number:02d}" / f"fold{fold}",
            (
                *self.tune.base,
                *self.tune.budget,
                *self.space.overrides(trial.setting),
                f"seed={trial.seed}",
                *fold_overrides(fold),
            ),
        )

    def score(self, trial: Trial, fold: int) -> float:
        """Of a finished training; UserError where the fold has nothing to measure it on."""
        training, name = self.training(trial, fold), self.tune.metric
        value = training.metric(name)
        if math.isnan(value):
            raise UserError(f"tune.metric={name}: {training.folder} has no truth to measure it on")
        return value

    def scored_line(self, trial: Trial, fold: int, *, seconds: float | None) -> str:
        """What to say of a training that has ended; seconds None: it had ended before."""
        cost = "kept" if seconds is None else f"{seconds:.0f} s"
        return f"trial {trial.number} fold {fold}: {self.tune.metric} {self.score(trial, fold):.4f} ({cost})"

    def owner(self) -> str:
        """A name for this folder that no other has, kept in it."""
        path = self.folder / "owner.txt"
        if not path.is_file():
            path.write_text(uuid.uuid4().hex)
        return path.read_text()

    def record(self, scored: Sequence[Scored]) -> None:
        """Write record.csv, record.md, record.svg and the winner so far."""
        tune = self.tune
        record = Record(tuple(self.space.keys), tune.folds, tune.metric, tuple(scored))
        (self.folder / "record.csv").write_text(record.csv())
        (self.folder / "record.svg").write_text(figure(record))
        (self.folder / "record.md").write_text(self._page(record))
        if leader := best(scored):
            found = f"trial {leader.trial.number} of {len(scored)}, {tune.metric} {leader.mean:.4f}"
            about = (f"Found by thermal-detector tune: {found} over {tune.folds} folds.", self._usage())
            overrides = (*tune.base, *self.space.overrides(leader.trial.setting))
            write_winner(tune.name, overrides, self.folder, about=about)

    def conclusion(self, scored: Sequence[Scored]) -> str:
        """The best, and how to use it."""
        leader = best(scored)
        if leader is None:
            return "no trial has ended here or elsewhere"
        setting = " ".join(self.space.overrides(leader.trial.setting))
        score = f"{self.tune.metric} {leader.mean:.4f} ± {leader.spread:.4f} over {self.tune.folds} folds"
        return (
            f"best:   trial {leader.trial.number}, {score}: {setting}\n"
            f"record: {self.folder / 'record.md'}\n"
            f"use it: {self._usage()}"
        )

    def _usage(self) -> str:
        return f"thermal-detector train --config-dir {self.folder} {GROUP}={self.tune.name}"

    def _page(self, record: Record) -> str:
        tune = self.tune
        # Not Hydra's own list of overrides, which lacks --config-dir.
        command = shlex.join(("thermal-detector", "tune", *sys.argv[1:]))
        confirming = f", {tune.seed + 1} for the confirming run" if tune.confirm else ""
        parameters = ", ".join(f"{name} is `{key}`" for name, key in self.space.keys.items())
        return f"""# Tuning: {tune.name}

```
{command}
```

Each trial is trained on {tune.folds} folds. Its score is the mean of {tune.metric} over them, ± the standard
deviation between folds. Strategy {tune.strategy}, at most {tune.trials} trials; seed {tune.seed}{confirming}.

- Parameters: {parameters}
- In every training and in the winner: `{" ".join(tune.base)}`
- In every training, to make it short: `{" ".join(tune.budget)}`

{record.markdown()}
![Score of every trial](record.svg)

The winner is `{GROUP}/{tune.name}.yaml`:

```
{self._usage()}
```
"""
