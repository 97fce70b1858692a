"""What a study runs, and the numbers it makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.tuning.study import Results, Run, collect, plan

ARMS = {"plain": [], "wide": ["model=small"]}


def finished(run: Run, **metrics: object) -> None:
    run.claim()
    (run.folder / "metrics.json").write_text(json.dumps(metrics))


def test_a_plan_finishes_one_seed_with_every_arm_before_the_next(tmp_path: Path):
    runs = plan(ARMS, base=["engine.epochs=3"], seeds=[4, 7], folder=tmp_path)
    assert [(run.arm, run.seed) for run in runs] == [("plain", 4), ("wide", 4), ("plain", 7), ("wide", 7)]
    assert runs[3].overrides == ("engine.epochs=3", "model=small", "seed=7")
    assert len({run.folder for run in runs}) == 4


def test_an_arm_overrides_the_base(tmp_path: Path):
    (run,) = plan({"a": ["x=2"]}, base=["x=1"], seeds=[0], folder=tmp_path)
    assert run.overrides.index("x=2") > run.overrides.index("x=1"), "the last one holds"


def test_a_folder_is_not_taken_for_another_run(tmp_path: Path):
    run, other = (Run("a", 0, tmp_path / "a", (text,)) for text in ("x=1", "x=2"))
    other.claim()
    run.claim()  # Nothing came of the other one.
    (run.folder / "checkpoints").mkdir()
    run.folder.joinpath("checkpoints", "last.pt").touch()
    run.claim()
    with pytest.raises(UserError, match="holds a run of other overrides"):
        other.claim()


def test_only_finished_runs_are_collected_with_their_metrics_by_path(tmp_path: Path):
    runs = plan(ARMS, base=[], seeds=[0, 1], folder=tmp_path)
    finished(runs[0], AP=0.5, per_class={"person": {"AP": 0.25}})
    finished(runs[3], AP=None, per_class={"person": {"AP": 1}})
    results = collect(runs, ["AP", "per_class/person/AP"])
    assert (results.arms, results.seeds) == (("plain", "wide"), (0, 1))
    np.testing.assert_array_equal(results.values, [[0.5, 0.25], [np.nan, 1]])
    with pytest.raises(UserError, match="has no metric 'per_class/dog/AP'"):
        collect(runs, ["per_class/dog/AP"])


def test_the_table_by_hand():
    """Differences 0.1, 0.2 and 0.1; Student's t at 0.975 with 2 degrees of freedom is 4.3027."""
    values = np.array([[0.5], [0.6], [0.4], [0.6], [0.6], [0.7]])
    results = Results(("plain", "wide") * 3, (0, 0, 1, 1, 2, 2), ("AP",), values)
    assert results.table("plain").splitlines() == [
        "| arm | seeds | AP |",
        "|---|---|---|",
        "| plain | 3 | 0.500 ± 0.100 |",
        "| wide | 3 | 0.633 ± 0.058 |",
        "| minus plain | 3 | +0.133 ± 0.143 |",
    ]
    half = 4.3027 * np.std([0.1, 0.2, 0.1], ddof=1) / np.sqrt(3)
    assert half == pytest.approx(0.143, abs=5e-4)


def test_seeds_that_one_arm_lacks_are_left_out_of_the_difference():
    results = Results(("plain", "wide", "wide"), (0, 0, 1), ("AP",), np.array([[0.5], [0.6], [0.9]]))
    assert results.table("plain").splitlines()[-1] == "| minus plain | 1 | +0.100 |"


def test_the_csv_has_every_run():
    results = Results(("plain", "wide"), (0, 3), ("AP", "AP50"), np.array([[0.5, 0.25], [1, np.nan]]))
    assert results.csv() == "arm,seed,AP,AP50\nplain,0,0.500000,0.250000\nwide,3,1.000000,nan\n"
