"""A tuning by the real command: run, killed, gone on with, and its winner used."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from detector.app.running.workers import Workers
from detector.tuning.training import METRICS, Training
from tests.integration.commands import TINY_RUN, await_file, files_under, finish, program, start

FOLDS = 2
FOLDED = ("data=coco", "data.root=${output}/../folds", "data.source.images=/")


def preset(**changes: object) -> dict:
    return {
        "name": "tiny",
        "base": ["criterion=bce_focal", "engine.patience=5"],
        "budget": [*TINY_RUN, *FOLDED, "engine.epochs=1"],
        "parameters": {"gamma": "criterion.classification.gamma", "box": "criterion.box_weight"},
        "start": {"gamma": 3, "box": 2},
        "phases": [{"name": "gamma", "candidates": [{"gamma": 1}, {"gamma": 3}]}],
        "ranges": {"gamma": [0, 5], "box": {"low": 0.5, "high": 8, "log": True}},
        "folds": FOLDS,
        "metric": "AP50",
        "trials": 3,
        **changes,
    }


@pytest.fixture
def write(tmp_path, tiny_set, call):
    """write(**changes): the preset tune=tiny in a folder of one's own, on folds of the tiny set."""
    shares = ["splits=[train,val]", "shares=[0.75,0.25]", f"folds={FOLDS}", "output=folds"]
    call("split", "data=synthetic", f"data.root={tiny_set}", *shares).assert_fine()

    def writing(**changes: object) -> None:
        path = tmp_path / "conf" / "tune" / "tiny.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create(preset(**changes)), path)

    return writing


@pytest.fixture
def by_gamma(monkeypatch) -> list[Training]:
    """Trainings cost nothing: AP50 is gamma / 10 and a little by fold and seed. All that were started."""
    started: list[Training] = []

    def train(self: Workers, training: Training, slot: int) -> None:  # noqa: ARG001
        started.append(training)
        values = dict(override.split("=", 1) for override in training.overrides)
        gamma, seed = float(values["criterion.classification.gamma"]), int(values["seed"])
        value = gamma / 10 + 0.02 * int(values["data.val"][-1]) + 0.001 * seed
        (training.folder / METRICS).write_text(json.dumps({"AP50": value, "AP": None}))

    monkeypatch.setattr(Workers, "_train", train)
    return started


def test_killed_and_started_again_it_writes_the_same_record_and_a_winner(write, tmp_path):
    write(phases=[{"name": "gamma", "candidates": [{"gamma": 1}]}], trials=2)
    tune = ["--config-dir", "conf", "tune=tiny", "jobs=2"]
    process = start("tune", *tune, "output=cut", folder=tmp_path)
    first = tmp_path / "cut" / "trials" / "01" / "fold0" / "checkpoints" / "last.pt"
    await_file(first, process)
    process.send_signal(signal.SIGTERM)
    stopped = finish(process)
    assert (stopped.status, stopped.err) == (130, "stopped; the same command goes on from here\n")
    assert not (tmp_path / "cut" / "trials" / "02").exists()

    resumed = program("tune", *tune, "output=cut", folder=tmp_path).assert_fine()
    program("tune", *tune, "output=whole", folder=tmp_path).assert_fine()
    record = (tmp_path / "cut" / "record.csv").read_text()
    assert record == (tmp_path / "whole" / "record.csv").read_text()
    assert [line.split(",")[:5] for line in record.splitlines()] == [
        ["trial", "phase", "gamma", "box", "seed"],
        ["1", "gamma", "1", "2", "0"],
        ["2", "confirm", "1", "2", "1"],
    ]
    assert "use it: thermal-detector train --config-dir cut experiment=tiny" in resumed.out


def test_what_it_leaves(write, tmp_path, call, by_gamma, monkeypatch):
    """By hand: gamma 3 has folds of 0.30 and 0.32, gamma 1 of 0.10 and 0.12; seed 1 adds 0.001."""
    write()
    outcome = call("tune", "--config-dir", "conf", "tune=tiny", "output=out").assert_fine()
    assert (tmp_path / "out" / "record.csv").read_text().splitlines() == [
        "trial,phase,gamma,box,seed,mean,sd,fold_0,fold_1,memo",
        "1,gamma,1,2,0,0.110000,0.014142,0.100000,0.120000,",
        "2,gamma,3,2,0,0.310000,0.014142,0.300000,0.320000,best",
        "3,confirm,3,2,1,0.311000,0.014142,0.301000,0.321000,confirms trial 2 with another seed: +0.0010",
    ]
    page = (tmp_path / "out" / "record.md").read_text()
    assert "thermal-detector tune --config-dir conf tune=tiny output=out" in page
    assert "| 2 | gamma | 3 | 2 | 0.3100 ± 0.0141 | best |" in page
    for said in (
        "criterion=bce_focal",
        "engine.epochs=1",
        "seed 0, 1 for the confirming run",
        "(record.svg)",
    ):
        assert said in page
    assert (tmp_path / "out" / "record.svg").read_text().startswith("<svg")
    assert len(by_gamma) == 3 * FOLDS
    assert by_gamma[-1].folder.parent == Path("out/trials/03")
    assert {one.overrides[-3:] for one in by_gamma if "seed=0" in one.overrides} == {
        (f"data.train=train_{fold}", f"data.val=val_{fold}", f"data.split=val_{fold}")
        for fold in range(FOLDS)
    }
    assert "trial 2, AP50 0.3100 ± 0.0141 over 2 folds" in outcome.out

    configs: list[DictConfig] = []
    use = ["--config-dir", "out", "experiment=tiny", "engine.epochs=7"]
    with monkeypatch.context() as patch:
        patch.setattr("detector.app.commands.load", lambda _: configs.append)
        call("train", *use).assert_fine()
    assert configs[0].criterion.classification.name == "bce_focal"
    assert (configs[0].criterion.classification.gamma, configs[0].criterion.box_weight) == (3, 2)
    assert (configs[0].engine.patience, configs[0].engine.epochs, configs[0].engine.batch_size) == (5, 7, 16)

    files = files_under(tmp_path / "out")
    again = call("tune", "--config-dir", "conf", "tune=tiny", "output=out").assert_fine()
    assert len(by_gamma) == 3 * FOLDS
    assert again.out.count("(kept)") == 3 * FOLDS
    assert files_under(tmp_path / "out") == files


def test_optuna_leaves_the_same_and_shares_its_storage(write, tmp_path, call, by_gamma):
    pytest.importorskip("optuna")
    write(trials=5)
    tune = ["--config-dir", "conf", "tune=tiny", "tune.strategy=optuna", "tune.storage=shared.log", "jobs=2"]
    call("tune", *tune, "output=a").assert_fine()
    lines = (tmp_path / "a" / "record.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["search"] * 4 + ["confirm"]
    assert lines[1].startswith("1,search,3,2,0,0.310000")
    assert (tmp_path / "a" / "experiment" / "tiny.yaml").is_file()
    count = len(by_gamma)
    call("tune", *tune, "output=b").assert_fine()
    assert len(by_gamma) == count, "the budget is spent, wherever"
    for name in ("record.csv", "experiment/tiny.yaml"):
        assert (tmp_path / "b" / name).read_text().replace("--config-dir b", "--config-dir a") == (
            tmp_path / "a" / name
        ).read_text()
    call("tune", *tune, "output=c", "tune.seed=3").assert_error("study tiny of other settings (seed)")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "grid"}, "tune.strategy=grid: must be phases or optuna"),
        ({"seed": -1}, "tune.seed=-1: must be at least 0"),
        ({"folds": 1}, "tune.folds=1: must be at least 2"),
        ({"start": {"gamma": "three", "box": 2}}, "tune.start: three: must be a number"),
        ({"ranges": {"gamma": [0, 1, 2]}}, "tune.ranges.gamma=[0, 1, 2]: must be [low, high] or"),
        ({"phases": [{"name": "a", "candidates": [3]}]}, "tune.phases: a: 3: must be a value for each name"),
        ({"phases": [3]}, "tune.phases: 1: must have a name and candidates"),
        ({"phases": [{"name": "a", "steps": {}}]}, "tune.phases: a: must have a name and candidates"),
        ({"phases": [{"name": "a", "around": {"gama": [1]}}]}, "a: gama is none of tune.parameters"),
        ({"name": "hit_uav"}, "there is an experiment of that name"),
        ({"base": ["criterion=bce_focal", "engine.patienc=5"]}, "Could not override 'engine.patienc'"),
        ({"metric": "AP"}, "tune.metric=AP: out/trials/01/fold0 has no truth to measure it on"),
        ({"metric": "AP51"}, "has no metric 'AP51'"),
    ],
)
def test_what_is_wrong_is_one_line(write, call, by_gamma, tmp_path, changes, message):
    write(**changes)
    call("tune", "--config-dir", "conf", "tune=tiny", "output=out", "jobs=1").assert_error(message)
    assert by_gamma or not (tmp_path / "out").exists(), "nothing was written before it was found"
