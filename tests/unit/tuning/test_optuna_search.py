"""Tuning by optuna with a trainer made by hand: what is asked of it, and what outlives a kill."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.errors import UserError
from detector.tuning.optuna_search import STARTUP, Sampling, search
from detector.tuning.optuna_storage import Storage, load_optuna
from detector.tuning.space import Range, Space
from detector.tuning.trials import Scored, Trial

pytest.importorskip("optuna")

FOLDS = 3
SPACE = Space(
    {"gamma": "criterion.gamma", "weight": "criterion.weight"},
    {"gamma": 3.0, "weight": 2.0},
    {"gamma": Range(0, 5), "weight": Range(0.25, 8, log=True)},
)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """The journal syncs after every line."""
    monkeypatch.setattr("os.fsync", lambda _: None)


class Cut(Exception):
    pass


class Trainer:
    """Keeps every fold it trained, as a folder does; is killed after `fuse` more."""

    def __init__(self, fuse: int = 1000) -> None:
        self.kept: dict[tuple[int, int], float] = {}
        self.fuse = fuse

    def score(self, trial: Trial, fold: int) -> float:
        if (trial.number, fold) not in self.kept:
            if not self.fuse:
                raise Cut
            self.fuse -= 1
            self.kept[trial.number, fold] = self.value(trial, fold)
        return self.kept[trial.number, fold]

    def value(self, trial: Trial, fold: int) -> float:
        return 1 / (1 + (trial.setting["gamma"] - 1.5) ** 2) + 0.1 * fold + 0.01 * trial.seed


def run(
    folder: Path,
    score: Callable[[Trial, int], float],
    *,
    owner: str = "a",
    trials: int = 6,
    jobs: int = 1,
    place: str = "study.log",
    records: list[list[Scored]] | None = None,
    pause: Callable[[list[int]], None] = lambda _: None,
    **described: object,
) -> list[Scored]:
    storage = Storage(str(folder / place), "study", {"metric": "AP50", **described}, owner)
    sampling = Sampling(SPACE, folds=FOLDS, trials=trials, seed=0, confirm_seed=1)
    record = (lambda _: None) if records is None else records.append
    return search(sampling, storage, jobs=jobs, score=score, record=record, pause=pause)


def test_it_begins_at_the_start_stays_in_the_ranges_and_ends_by_confirming_the_best(tmp_path):
    scored = run(tmp_path, Trainer().score)
    assert [one.trial.number for one in scored] == [1, 2, 3, 4, 5, 6]
    assert scored[0].trial.setting == SPACE.start
    for one in scored:
        assert all(SPACE.allows(name, value) for name, value in one.trial.setting.items())
    assert len({one.trial.setting["gamma"] for one in scored[:-1]}) == 5
    leader = max((one for one in scored[:-1] if not one.pruned), key=lambda one: one.mean)
    last = scored[-1].trial
    assert (last.confirms, last.setting, last.seed) == (leader.trial.number, leader.trial.setting, 1)
    assert scored[-1].mean == pytest.approx(leader.mean + 0.01), "its own scores, not the leader's"


def test_a_trial_behind_the_median_of_the_others_is_given_up_after_a_fold(tmp_path):
    """Values 3, 2, 4 on every fold; the median of the first fold is 3, so 2.9 ends there and 3.1 does not."""
    value = dict(enumerate([3, 2, 4, 2.9, 3.1, 0], start=1))
    assert STARTUP == 3
    scored = run(tmp_path, lambda trial, _: value[trial.number])
    assert [len(one.scores) for one in scored] == [3, 3, 3, 1, 3, 3]
    assert [one.pruned for one in scored] == [False, False, False, True, False, False]
    assert scored[-1].trial.confirms == 3, "which is never given up"


def test_a_search_cut_anywhere_and_begun_again_ends_the_same(tmp_path):
    uncut = Trainer()
    expected = run(tmp_path, uncut.score, trials=9)
    assert any(one.pruned for one in expected)
    for fuse in range(0, len(uncut.kept), 5):  # before the first, the second and the third fold of a trial
        folder, trainer = tmp_path / str(fuse), Trainer(fuse)
        with pytest.raises(Cut):
            run(folder, trainer.score, trials=9)
        trainer.fuse = 1000
        records: list[list[Scored]] = []
        assert run(folder, trainer.score, trials=9, records=records) == expected == records[-1]
        assert trainer.kept == uncut.kept, "nothing was trained twice or besides"
    again = Trainer(0)
    assert run(tmp_path, again.score, trials=9) == expected, "and a finished one trains nothing"


def test_two_machines_share_the_trials_and_one_confirms_when_both_are_through(tmp_path):
    trainers = {"a": Trainer(), "b": Trainer()}
    both = threading.Barrier(2, timeout=30)
    found = {}

    def machine(owner: str) -> None:
        def score(trial: Trial, fold: int) -> float:
            if not trainers[owner].kept:
                both.wait()  # so that each has a trial
            return trainers[owner].score(trial, fold)

        found[owner] = run(tmp_path, score, owner=owner, trials=8)

    threads = [threading.Thread(target=machine, args=(owner,)) for owner in trainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    mine = [{number for number, _ in trainer.kept} for trainer in trainers.values()]
    assert mine[0] | mine[1] == set(range(1, 9))
    assert not mine[0] & mine[1]
    assert all(mine)
    longest = max(found.values(), key=len)
    assert [one.trial.number for one in longest] == list(range(1, 9))
    leader = max((one for one in longest[:-1] if not one.pruned), key=lambda one: one.mean)
    assert longest[-1].trial.confirms == leader.trial.number


def test_what_another_machine_was_cut_in_is_left_to_it_and_the_confirming_run_waits(tmp_path):
    cut = Trainer(fuse=1)
    with pytest.raises(Cut):
        run(tmp_path, cut.score, owner="b")
    waits: list[list[int]] = []

    def pause(running: list[int]) -> None:
        waits.append(running)
        cut.fuse = 1000
        run(tmp_path, cut.score, owner="b")

    other = Trainer()
    scored = run(tmp_path, other.score, owner="a", pause=pause)
    assert waits == [[1]]
    assert {number for number, _ in cut.kept} == {1}
    assert {number for number, _ in other.kept} == {2, 3, 4, 5, 6}
    assert len(scored) == 6


def test_what_fails_in_one_thread_ends_the_others_and_loses_no_trial(tmp_path):
    trainer = Trainer(fuse=4)
    with pytest.raises(Cut):
        run(tmp_path, trainer.score, jobs=3)
    trainer.fuse = 1000
    scored = run(tmp_path, trainer.score, jobs=3)
    assert [one.trial.number for one in scored] == [1, 2, 3, 4, 5, 6]


def run_in_database(folder: Path, score: Callable[[Trial, int], float]) -> list[Scored]:
    storage = Storage(f"sqlite:///{folder / 'study.db'}", "study", {}, "a")
    sampling = Sampling(SPACE, folds=1, trials=2, seed=0, confirm_seed=None)
    return search(sampling, storage, jobs=1, score=score, record=lambda _: None, pause=lambda _: None)


def test_a_database_serves_as_well(tmp_path):
    scored = run_in_database(tmp_path, Trainer().score)
    assert [one.trial.confirms for one in scored] == [None, None]
    assert run_in_database(tmp_path, Trainer(0).score) == scored


def test_machines_that_disagree_on_what_is_tuned_do_not_share(tmp_path):
    run(tmp_path, Trainer().score, trials=2, folds=3)
    with pytest.raises(UserError, match=r"study\.log: holds a study study of other settings \(folds\)"):
        run(tmp_path, Trainer().score, trials=2, folds=2)


@pytest.mark.parametrize("place", ["nobase://x", "sqlite:////no/such/folder/a.db", "/proc/nothing/a.log"])
def test_a_storage_that_cannot_be_is_one_clear_line(place):
    with pytest.raises(UserError, match=r"^tune\.storage=\S+: .") as caught:
        Storage(place, "study", {}, "a").open()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "harmed"),
    [
        ('"state":1', '"state":[1]'),  # optuna's own KeyError or TypeError
        ('"scores":[', '"scores":["x",'),
        ('"scores":[', '"scores":[1e999,'),
        ('"scores":[', '"scores":[0,0,0,'),
        ('"confirms":', '"confirms":9'),
        ('"param_value_internal":', '"param_value_internal":1e999'),
        ("{", "[" * 10**5),
    ],
)
def test_a_storage_that_somebody_wrote_to_is_one_clear_line(tmp_path, found, harmed):
    run(tmp_path, Trainer().score, trials=2)
    journal = tmp_path / "study.log"
    text = journal.read_text()
    assert found in text
    journal.write_text(text.replace(found, harmed))
    with pytest.raises(UserError, match=r"^tune\.storage=\S+: .") as caught:
        run(tmp_path, Trainer().score, trials=2)
    assert "\n" not in str(caught.value)


def test_a_pipe_is_no_storage(tmp_path):
    os.mkfifo(tmp_path / "study.log")
    with pytest.raises(UserError, match="no regular file but a pipe"):
        run(tmp_path, Trainer().score, trials=2)


def test_a_database_that_is_lost_on_the_way_is_one_clear_line(tmp_path):
    def lose(trial: Trial, fold: int) -> float:  # noqa: ARG001
        with sqlite3.connect(tmp_path / "study.db") as database:
            database.execute("DROP TABLE trial_intermediate_values")
        return 0.5

    with pytest.raises(UserError, match=r"^tune\.storage=sqlite:\S+: .*no such table"):
        run_in_database(tmp_path, lose)


def test_every_parameter_needs_a_range():
    space = Space(SPACE.keys, SPACE.start, {"gamma": Range(0, 5)})
    with pytest.raises(UserError, match=r"tune\.ranges: optuna needs one for weight"):
        Sampling(space, folds=2, trials=10, seed=0, confirm_seed=1)


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install 'thermal-detector\[tune\]'"):
        load_optuna()
