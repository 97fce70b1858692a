"""The record of a tuning against one worked out by hand."""

from __future__ import annotations

import csv
import io
import math

import pytest

from detector.tuning.record import Record
from detector.tuning.trials import Scored, Trial, best

TRIALS = (
    Scored(Trial(1, "weights", {"w": 0.5, "g": 3.0}, 0), (0.30, 0.50)),
    Scored(Trial(2, "weights", {"w": 1e-5, "g": 3.0}, 0), (0.40, 0.50)),
    Scored(Trial(3, "gamma", {"w": 1e-5, "g": 1.0}, 0), (0.10,), pruned=True),
    Scored(Trial(4, "gamma", {"w": 1e-5, "g": 3.0}, 0, repeats=2), (0.40, 0.50)),
    Scored(Trial(5, "gamma", {"w": 1e-5, "g": 4.0}, 0), (0.50, 0.60)),
    Scored(Trial(6, "confirm", {"w": 1e-5, "g": 4.0}, 1, confirms=5), (0.60, 0.70)),
)


def record(trials: tuple[Scored, ...] = TRIALS) -> Record:
    return Record(("w", "g"), 2, "AP50", trials)


def test_the_page_by_hand():
    """Means and deviations of two values: their middle, and half their distance times the root of 2."""
    assert record().markdown().splitlines() == [
        "| trial | phase | w | g | AP50 over 2 folds | memo |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 1 | weights | 0.5 | 3 | 0.4000 ± 0.1414 |  |",
        "| 2 | weights | 1e-05 | 3 | 0.4500 ± 0.0707 | best until phase weights ended |",
        "| 3 | gamma | 1e-05 | 1 |  | pruned after 1 of 2 folds |",
        "| 4 | gamma | 1e-05 | 3 | 0.4500 ± 0.0707 | as trial 2, not trained again |",
        "| 5 | gamma | 1e-05 | 4 | 0.5500 ± 0.0707 | best |",
        "| 6 | confirm | 1e-05 | 4 | 0.6500 ± 0.0707 | confirms trial 5 with another seed: +0.1000 |",
    ]


def test_the_csv_gives_back_every_setting_seed_and_score():
    rows = list(csv.DictReader(io.StringIO(record().csv())))
    assert len(rows) == len(TRIALS)
    for row, one in zip(rows, TRIALS, strict=True):
        assert (int(row["trial"]), row["phase"], int(row["seed"])) == (
            one.trial.number,
            one.trial.phase,
            one.trial.seed,
        )
        assert {name: float(row[name]) for name in ("w", "g")} == one.trial.setting
        scores = [float(row[f"fold_{fold}"]) for fold in range(2) if row[f"fold_{fold}"]]
        assert scores == pytest.approx(one.scores)
        assert [row["mean"], row["sd"]] == ["", ""] or float(row["mean"]) == pytest.approx(one.mean)
        assert (row["mean"] == "") == one.pruned
    assert [row["memo"] for row in rows][3:5] == ["as trial 2, not trained again", "best"]


def test_an_unfinished_record_says_what_is_best_so_far():
    assert "best" not in record(TRIALS[:2]).memo(TRIALS[0])
    assert record(TRIALS[:2]).memo(TRIALS[1]) == "best"
    assert record(()).csv() == "trial,phase,w,g,seed,mean,sd,fold_0,fold_1,memo\n"


def test_neither_a_pruned_trial_nor_a_confirming_run_is_the_best():
    pruned = Scored(Trial(7, "gamma", {"w": 1, "g": 1}, 0), (0.9,), pruned=True)
    assert best([*TRIALS, pruned]) is TRIALS[4]
    assert best([pruned]) is None
    assert math.isnan(pruned.spread)
