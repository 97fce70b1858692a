"""A study: the same training with several settings ("arms") and seeds, and what its runs found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from detector.errors import UserError

METRICS, COMMAND = "metrics.json", "overrides.json"


@dataclass(frozen=True)
class Run:
    """One training: arm's name, seed, its folder, and what it changes in configs/train.yaml."""

    arm: str
    seed: int
    folder: Path
    overrides: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether its final metrics are there."""
        return (self.folder / METRICS).is_file()

    @property
    def checkpoint(self) -> Path | None:
        """From where it can go on, once it has saved anything."""
        path = self.folder / "checkpoints" / "last.pt"
        return path if path.is_file() else None

    def claim(self) -> None:
        """Write down what the folder is for; UserError where it holds a run of other overrides."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record, mine = self.folder / COMMAND, list(self.overrides)
        if (self.finished or self.checkpoint) and json.loads(record.read_text()) != mine:
            raise UserError(
                f"{self.folder}: holds a run of other overrides; move it away or give another output"
            )
        record.write_text(json.dumps(mine, indent=1) + "\n")


def plan(
    arms: Mapping[str, Sequence[str]], *, base: Sequence[str], seeds: Sequence[int], folder: Path
) -> list[Run]:
    """Every run of a study, seed by seed, so that an unfinished study has all arms at the seeds it has."""
    return [
        Run(arm, seed, folder / arm / f"seed{seed}", (*base, *overrides, f"seed={seed}"))
        for seed in seeds
        for arm, overrides in arms.items()
    ]


@dataclass(frozen=True, eq=False)
class Results:
    """What finished runs found: values [runs, metrics], NaN where a metric has no truth to be measured on."""

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    metrics: tuple[str, ...]
    values: np.ndarray

    def of(self, arm: str) -> dict[int, np.ndarray]:
        """[metrics] of one arm, by seed."""
        rows = zip(self.arms, self.seeds, self.values, strict=True)
        return {seed: row for name, seed, row in rows if name == arm}

    def csv(self) -> str:
        """One line for every run."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("arm", "seed", *self.metrics))
        for arm, seed, row in zip(self.arms, self.seeds, self.values, strict=True):
            writer.writerow((arm, seed, *(f"{value:.6f}" for value in row)))
        return text.getvalue()

    def table(self, baseline: str) -> str:
        """Markdown: mean ± standard deviation over seeds of every arm; under it, the arm minus `baseline`.

        Differences are paired by seed, with the half width of their 95 % interval (Student's t).
        """
        lines = [
            "| arm | seeds | " + " | ".join(self.metrics) + " |",
            "|---|---" + "|---" * len(self.metrics) + "|",
        ]
        reference = self.of(baseline)
        for arm in dict.fromkeys(self.arms):
            mine = self.of(arm)
            rows = np.array(list(mine.values()))
            lines.append(
                f"| {arm} | {len(rows)} | " + " | ".join(_spread(column) for column in rows.T) + " |"
            )
            shared = [seed for seed in mine if seed in reference]
            if arm != baseline and shared:
                change = np.array([mine[seed] - reference[seed] for seed in shared])
                cells = " | ".join(_interval(column) for column in change.T)
                lines.append(f"| minus {baseline} | {len(shared)} | {cells} |")
        return "\n".join(lines) + "\n"


def collect(runs: Sequence[Run], metrics: Sequence[str]) -> Results:
    """The metrics of the runs that are finished; UserError for a name that is not there.

    A name is a key of metrics.json, or several with slashes between: per_class/person/AP.
    """
    done = [run for run in runs if run.finished]
    values = np.array([[_metric(run, name) for name in metrics] for run in done], dtype=np.float64)
    return Results(
        tuple(run.arm for run in done),
        tuple(run.seed for run in done),
        tuple(metrics),
        values.reshape(len(done), len(metrics)),
    )


def _metric(run: Run, name: str) -> float:
    path = run.folder / METRICS
    found: Any = json.loads(path.read_text())
    for key in name.split("/"):
        if not isinstance(found, dict) or key not in found:
            raise UserError(f"{path}: has no metric '{name}'")
        found = found[key]
    return float("nan") if found is None else float(found)


def _spread(values: np.ndarray) -> str:
    deviation = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{deviation}"


def _interval(differences: np.ndarray) -> str:
    count = len(differences)
    if count < 2:
        return f"{differences.mean():+.3f}"
    half = stats.t.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count)
    return f"{differences.mean():+.3f} ± {half:.3f}"
