"""What the runs of a study found."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Results:
    """values [runs, metrics], NaN where a metric has no truth to be measured on, and what each run was.

    conditions holds "" and folds None where the study has none.
    """

    conditions: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    folds: tuple[int | None, ...]
    metrics: tuple[str, ...]
    values: np.ndarray

    def of(self, arm: str, *, condition: str = "") -> dict[tuple[int, int | None], np.ndarray]:
        """[metrics] of one arm under one condition, by (seed, fold)."""
        rows = zip(self.conditions, self.arms, self.seeds, self.folds, self.values, strict=True)
        return {
            (seed, fold): row for where, name, seed, fold, row in rows if (where, name) == (condition, arm)
        }

    @classmethod
    def read(cls, text: str, metrics: Sequence[str]) -> Results:
        """These metrics of what `csv` wrote."""
        rows = list(csv.DictReader(text.splitlines()))
        return cls(
            conditions=tuple(row["condition"] for row in rows),
            arms=tuple(row["arm"] for row in rows),
            seeds=tuple(int(row["seed"]) for row in rows),
            folds=tuple(int(row["fold"]) if row["fold"] else None for row in rows),
            metrics=tuple(metrics),
            values=np.array([[float(row[name]) for name in metrics] for row in rows]),
        )

    def csv(self) -> str:
        """One line for every run."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("condition", "arm", "seed", "fold", *self.metrics))
        rows = zip(self.conditions, self.arms, self.seeds, self.folds, self.values, strict=True)
        for condition, arm, seed, fold, row in rows:
            cells = (f"{value:.6f}" for value in row)
            writer.writerow((condition, arm, seed, "" if fold is None else fold, *cells))
        return text.getvalue()
