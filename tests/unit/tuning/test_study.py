"""What a study runs, and which of it is collected."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from detector.tuning.study import Run, collect, plan

ARMS = {"plain": [], "wide": ["model=small"]}


def planned(folder: Path, **changes: object) -> list[Run]:
    settings = {"conditions": {}, "base": [], "seeds": [0], "folds": 0, "folder": folder, "tests": {}}
    return plan(ARMS, **{**settings, **changes})


def finish(run: Run, **metrics: object) -> None:
    run.training.claim()
    (run.training.folder / "metrics.json").write_text(json.dumps(metrics))


def test_one_seed_and_fold_is_finished_with_every_arm_and_condition_before_the_next(tmp_path: Path):
    runs = planned(tmp_path, conditions={"a": [], "b": []}, seeds=[4, 7], folds=2)
    assert [(run.seed, run.fold, run.condition, run.arm) for run in runs] == [
        (seed, fold, condition, arm)
        for seed in (4, 7)
        for fold in (0, 1)
        for condition in ("a", "b")
        for arm in ("plain", "wide")
    ]
    assert len({run.training.folder for run in runs}) == len(runs)


def test_without_conditions_and_folds_there_are_none_in_names_folders_and_overrides(tmp_path: Path):
    run, _ = planned(tmp_path, base=["engine.epochs=3"])
    assert (run.condition, run.fold, str(run)) == ("", None, "plain seed 0")
    assert run.training.folder == tmp_path / "plain" / "seed0"
    assert run.training.overrides == ("engine.epochs=3", "seed=0")


def test_later_overrides_hold_base_condition_arm_seed_fold(tmp_path: Path):
    _, run = planned(tmp_path, conditions={"noisy": ["y=1"]}, base=["x=1"], seeds=[3], folds=1)
    assert run.training.overrides == (
        "x=1",
        "y=1",
        "model=small",
        "seed=3",
        "data.train=train_0",
        "data.val=val_0",
        "data.split=val_0",
    )
    assert str(run) == "noisy wide seed 3 fold 0"


def test_only_finished_runs_are_collected(tmp_path: Path):
    runs = planned(tmp_path, conditions={"a": [], "b": []}, folds=2)
    finish(runs[1], AP=0.5, overlap={"0": {"AP": 0.25}})
    finish(runs[6], AP=None, overlap={"0": {"AP": 1}})
    results = collect(runs, ["AP", "overlap/0/AP"])
    assert (results.conditions, results.arms) == (("a", "b"), ("wide", "plain"))
    assert (results.seeds, results.folds) == ((0, 0), (0, 1))
    np.testing.assert_array_equal(results.values, [[0.5, 0.25], [np.nan, 1]])


def test_each_test_of_a_finished_run_is_a_row_of_its_own(tmp_path: Path):
    plain, wide = planned(tmp_path, tests={"near": ["a=1"], "far": []})
    finish(wide, AP=0.1)  # not judged yet
    finish(plain, AP=0.5)
    for name, value in (("near", 0.25), ("far", 0.75)):
        plain.training.test_folder(name).mkdir(parents=True)
        (plain.training.test_folder(name) / "metrics.json").write_text(json.dumps({"AP": value}))
        plain.training.note_test(name)
    results = collect([plain, wide], ["AP"])
    assert (results.conditions, results.arms) == (("near", "far"), ("plain", "plain"))
    np.testing.assert_array_equal(results.values, [[0.25], [0.75]])


def test_before_the_first_run_is_finished_there_is_nothing(tmp_path: Path):
    assert collect(planned(tmp_path), ["AP", "AP50"]).values.shape == (0, 2)
