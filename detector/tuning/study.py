"""A study: the same training with several settings ("arms"), seeds and folds, under several conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.tuning.results import Results
from detector.tuning.training import Training


@dataclass(frozen=True)
class Run:
    """One training of a study. condition is "" and fold None where the study has none."""

    condition: str
    arm: str
    seed: int
    fold: int | None
    training: Training

    def __str__(self) -> str:
        fold = "" if self.fold is None else f" fold {self.fold}"
        return f"{self.condition} {self.arm} seed {self.seed}{fold}".lstrip()


def fold_overrides(fold: int) -> tuple[str, ...]:
    """What makes a training use one fold of the sets that `thermal-detector split folds=...` writes."""
    return (f"data.train=train_{fold}", f"data.val=val_{fold}", f"data.split=val_{fold}")


def plan(
    arms: Mapping[str, Sequence[str]],
    *,
    conditions: Mapping[str, Sequence[str]],
    base: Sequence[str],
    seeds: Sequence[int],
    folds: int,
    folder: Path,
    tests: Mapping[str, Sequence[str]],
) -> list[Run]:
    """Every run of a study; later overrides hold: base, condition, arm, seed, fold.

    tests: as `Training` has them.

    Seed by seed and fold by fold, so that an unfinished study has all arms at the seeds it has.
    """
    judged = {name: tuple(overrides) for name, overrides in tests.items()}
    runs = []
    for seed in seeds:
        for fold in range(folds) if folds else (None,):
            place = f"seed{seed}" if fold is None else f"seed{seed}_fold{fold}"
            last = (f"seed={seed}", *(() if fold is None else fold_overrides(fold)))
            for condition, changes in (conditions or {"": ()}).items():
                for arm, overrides in arms.items():
                    training = Training(
                        folder / condition / arm / place, (*base, *changes, *overrides, *last), judged
                    )
                    runs.append(Run(condition, arm, seed, fold, training))
    return runs


def collect(runs: Sequence[Run], metrics: Sequence[str]) -> Results:
    """The metrics of the runs that are finished, in a study with tests by test, which stand as conditions.

    UserError for a name that is not there.
    """
    done = [(run, test) for run in runs if run.training.finished for test in (run.training.tests or ("",))]
    values = np.array(
        [[run.training.metric(name, test=test) for name in metrics] for run, test in done], dtype=np.float64
    )
    return Results(
        conditions=tuple(test or run.condition for run, test in done),
        arms=tuple(run.arm for run, _ in done),
        seeds=tuple(run.seed for run, _ in done),
        folds=tuple(run.fold for run, _ in done),
        metrics=tuple(metrics),
        values=values.reshape(len(done), len(metrics)),
    )
