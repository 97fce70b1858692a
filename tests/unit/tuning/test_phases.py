"""The way a tuning takes through its phases, from scores made by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from detector.errors import UserError
from detector.tuning.phases import Around, Candidates, Ended, Phases, search
from detector.tuning.space import Range, Setting, Space
from detector.tuning.trials import Scored, Trial

FOLDS = 3

SHARES = ((0.5, 0.5), (0.2, 0.8), (0.8, 0.2), (0, 1))
WEIGHTS = Candidates("weights", tuple({"bce": bce, "focal": focal} for bce, focal in SHARES))
GAMMA = Candidates("gamma", ({"gamma": 1}, {"gamma": 2}, {"gamma": 4}, {"gamma": 5}))
ALPHA = Candidates("alpha", ({"alpha": 0.5},))


def space(**ranges: Range) -> Space:
    keys = {name: f"criterion.{name}" for name in ("bce", "focal", "gamma", "alpha")}
    return Space(keys, {"bce": 0.5, "focal": 0.5, "gamma": 3, "alpha": 1}, ranges)


def procedure(
    *phases: Candidates | Around, trials: int = 10, confirm: int | None = 1, **ranges: Range
) -> Phases:
    return Phases(space(**ranges), phases, trials=trials, seed=0, confirm_seed=confirm)


def run(phases: Phases, value: Callable[[Setting], float]) -> list[Scored]:
    """Every fold scores `value` of the setting."""

    def score(trials: Sequence[Trial], ended: Ended) -> None:
        for trial in trials:
            ended(trial, (value(trial.setting),) * FOLDS)

    return search(phases, score=score, record=lambda _: None)


def settings(scored: Sequence[Scored]) -> list[tuple[float, ...]]:
    return [tuple(one.trial.setting.values()) for one in scored]


def test_the_ten_trials_of_the_source():
    """By hand: 0.8/0.2 wins the weights, gamma 4 at these weights, and alpha 0.5 is no better."""
    better = {(0.8, 0.2, 3, 1): 0.4, (0.8, 0.2, 4, 1): 0.6, (0.8, 0.2, 4, 0.5): 0.5}
    scored = run(procedure(WEIGHTS, GAMMA, ALPHA), lambda setting: better.get(tuple(setting.values()), 0.1))
    assert settings(scored) == [
        (0.5, 0.5, 3, 1),
        (0.2, 0.8, 3, 1),
        (0.8, 0.2, 3, 1),
        (0, 1, 3, 1),
        (0.8, 0.2, 1, 1),
        (0.8, 0.2, 2, 1),
        (0.8, 0.2, 4, 1),
        (0.8, 0.2, 5, 1),
        (0.8, 0.2, 4, 0.5),
        (0.8, 0.2, 4, 1),
    ]
    assert [one.trial.number for one in scored] == list(range(1, 11))
    assert [one.trial.phase for one in scored] == ["weights"] * 4 + ["gamma"] * 4 + ["alpha", "confirm"]
    assert [(one.trial.seed, one.trial.confirms) for one in scored[-2:]] == [(0, None), (1, 7)]


def test_the_trials_of_a_phase_come_at_once_and_the_next_phase_needs_them_all():
    phases = procedure(WEIGHTS, GAMMA)
    first = phases.following([])
    assert [trial.phase for trial in first] == ["weights"] * 4
    scored = [Scored(trial, (0.1,)) for trial in first]
    assert phases.following(scored[:3]) == first
    assert [trial.phase for trial in phases.following(scored)] == ["gamma"] * 4


def test_of_equals_the_first_leads():
    scored = run(procedure(WEIGHTS, GAMMA, ALPHA), lambda _: 0.5)
    assert {pair[:2] for pair in settings(scored)[4:]} == {(0.5, 0.5)}
    assert scored[-1].trial.confirms == 1


def test_a_phase_that_finds_nothing_better_leaves_the_centre_where_it_was():
    """gamma 3 of the first phase stays although phase gamma has a best of its own."""
    value = {3: 0.9, 4: 0.8}
    scored = run(procedure(WEIGHTS, GAMMA, ALPHA), lambda setting: value.get(setting["gamma"], 0.0))
    assert settings(scored)[-2:] == [(0.5, 0.5, 3, 0.5), (0.5, 0.5, 3, 1)]


@pytest.mark.parametrize(("confirm", "phases"), [(1, ["weights"] * 4 + ["gamma", "confirm"]), (None, None)])
def test_the_budget_leaves_candidates_out_but_never_the_confirming_run(confirm, phases):
    scored = run(procedure(WEIGHTS, GAMMA, ALPHA, trials=6, confirm=confirm), lambda _: 0.5)
    assert [one.trial.phase for one in scored] == (phases or ["weights"] * 4 + ["gamma"] * 2)


def test_a_candidate_seen_before_takes_its_scores_and_costs_nothing():
    gamma = Candidates("gamma", ({"gamma": 3}, {"gamma": 2}, {"gamma": 2}))
    asked = []

    def value(setting: Setting) -> float:
        asked.append(tuple(setting.values()))
        return setting["gamma"]

    scored = run(procedure(WEIGHTS, gamma, trials=6), value)
    assert [one.trial.repeats for one in scored] == [None] * 4 + [1, None, 6, None]
    assert (scored[4].mean, scored[6].mean) == (3, 2)
    assert len(asked) == 6
    assert scored[-1].trial.confirms == 1, "the trial, not its repeat"


def test_steps_around_the_best_change_one_parameter_each_and_stay_in_its_range():
    around = Around("fine", {"gamma": (-0.5, 0.5, 3), "bce": (0.1, -0.2)})
    with pytest.raises(UserError, match=r"weights: bce=0: outside its range 0\.1 to 1"):
        procedure(WEIGHTS, around, bce=Range(0.1, 1.0))
    first = Candidates("weights", WEIGHTS.changes[:2])
    phases = procedure(first, around, gamma=Range(0, 5), bce=Range(0.1, 1.0))
    scored = run(phases, lambda setting: setting["focal"])
    # 0.2 + 0.1 is 0.30000000000000004; gamma 6 and bce 0 are outside.
    assert settings(scored)[2:-1] == [(0.2, 0.8, 2.5, 1), (0.2, 0.8, 3.5, 1), (0.3, 0.8, 3, 1)]


class Cut(Exception):
    pass


class Trainer:
    """Trains folds in any order and keeps them, as a folder does; `fuse` more, then it is killed."""

    def __init__(self, order: random.Random) -> None:
        self.kept: dict[tuple[int, int], float] = {}
        self.order, self.fuse = order, 0

    def value(self, trial: Trial, fold: int) -> float:
        setting = trial.setting
        return 1 / (1 + (setting["gamma"] - 3.7) ** 2) + 0.1 * fold * setting["bce"] + 0.01 * trial.seed

    def score(self, trials: Sequence[Trial], ended: Ended) -> None:
        pairs = [(trial, fold) for trial in trials for fold in range(FOLDS)]
        for trial, fold in self.order.sample(pairs, len(pairs)):
            if (trial.number, fold) not in self.kept:
                if not self.fuse:
                    raise Cut
                self.fuse -= 1
                self.kept[trial.number, fold] = self.value(trial, fold)
            if all((trial.number, other) in self.kept for other in range(FOLDS)):
                ended(trial, tuple(self.kept[trial.number, other] for other in range(FOLDS)))


@pytest.mark.parametrize("fuse", range(31))
def test_a_search_cut_anywhere_and_begun_again_ends_the_same(fuse):
    phases = procedure(WEIGHTS, GAMMA, Around("fine", {"gamma": (-0.5, 0.0, 0.5)}), trials=11)
    uncut = Trainer(random.Random(0))
    uncut.fuse = 1000
    expected = search(phases, score=uncut.score, record=lambda _: None)
    assert len(uncut.kept) == 11 * FOLDS
    trainer = Trainer(random.Random(fuse))
    trainer.fuse = fuse
    records: list[list[Scored]] = []
    with pytest.raises(Cut):
        search(phases, score=trainer.score, record=records.append)
    for cut in records:
        assert all(one in expected for one in cut), "a record never says what the next one takes back"
    trainer.fuse = 1000
    assert search(phases, score=trainer.score, record=records.append) == expected == records[-1]
    assert trainer.kept == uncut.kept, "nothing was trained twice or besides"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trials": 1}, "tune.trials=1: must be at least 2"),
        ({"phases": []}, "tune.phases: must be one or more"),
        ({"phases": [WEIGHTS, WEIGHTS]}, "tune.phases: must be one or more of different names"),
        ({"phases": [Candidates("confirm", GAMMA.changes)]}, "none 'confirm'"),
        ({"phases": [Candidates("a", ())]}, "tune.phases: a has no candidates"),
        ({"phases": [Candidates("a", ({"gama": 1},))]}, "a: gama is none of tune.parameters"),
        ({"phases": [Around("a", {"gama": (1,)})]}, "a: gama is none of tune.parameters"),
        ({"phases": [Candidates("a", ({"gamma": float("nan")},))]}, "a: gamma=nan: must be finite"),
    ],
)
def test_a_procedure_that_cannot_be_is_refused_before_anything_is_trained(change: Mapping, message: str):
    values = {"phases": [WEIGHTS], "trials": 10, "seed": 0, "confirm_seed": 1, **change}
    with pytest.raises(UserError, match=message):
        Phases(space(), **values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (({}, {}, {}), "tune.parameters: must name at least one"),
        (({"a": "x", "b": "y"}, {"a": 1}, {}), "tune.start: has no value for b"),
        (({"a": "x"}, {"a": 1, "b": 2}, {}), "tune.start: b is none of tune.parameters"),
        (({"a": "x"}, {"a": 1}, {"b": Range(0, 1)}), "tune.ranges: b is none"),
        (({"a": "x"}, {"a": 2}, {"a": Range(0, 1)}), "tune.start: a=2: outside its range 0 to 1"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(values: tuple, message: str):
    with pytest.raises(UserError, match=message):
        Space(*values)


@pytest.mark.parametrize("values", [(1, 1), (2, 1), (0, float("inf"))])
def test_a_range_needs_a_length(values):
    with pytest.raises(UserError, match="is no range"):
        Range(*values)


def test_a_logarithmic_range_starts_above_zero():
    with pytest.raises(UserError, match="starts above 0"):
        Range(0, 1, log=True)


def test_overrides_are_what_a_training_reads():
    setting = {"bce": 1e-5, "focal": 0.30000000000000004, "gamma": 3.0, "alpha": 100000.0}
    assert space().overrides(setting) == (
        "criterion.bce=1e-05",
        "criterion.focal=0.3",
        "criterion.gamma=3",
        "criterion.alpha=100000",
    )
