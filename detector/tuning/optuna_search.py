"""Tuning by optuna: TPE proposes settings, a trial that lags behind the others is given up after a fold.

Everything that must outlive this process is in optuna's storage, which several machines may share: each takes
the next free trial until the budget is spent.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detector.errors import UserError
from detector.tuning.optuna_storage import Storage, load_optuna
from detector.tuning.space import Setting, Space
from detector.tuning.trials import Scored, Trial, best

if TYPE_CHECKING:
    import optuna

SEARCH, CONFIRMATION = "search", "confirm"
STARTUP = 3
"""Trials before TPE and the pruner judge by those there are: the start, and others at random."""

_OWNER, _SCORES, _CONFIRMS = "owner", "scores", "confirms"


@dataclass(frozen=True)
class Sampling:
    """At most `trials` trials of `folds` folds, over all machines and the confirming run included.

    The first is the space's start. UserError for a parameter without a range, or a budget that cannot be.
    """

    space: Space
    folds: int
    trials: int
    seed: int
    confirm_seed: int | None

    def __post_init__(self) -> None:
        if missing := [name for name in self.space.keys if name not in self.space.ranges]:
            raise UserError(f"tune.ranges: optuna needs one for {', '.join(missing)}")
        if self.trials < (least := 1 if self.confirm_seed is None else 2):
            raise UserError(f"tune.trials={self.trials}: must be at least {least}")


def search(
    sampling: Sampling,
    storage: Storage,
    *,
    jobs: int,
    score: Callable[[Trial, int], float],
    record: Callable[[list[Scored]], None],
    pause: Callable[[list[int]], None],
) -> list[Scored]:
    """Every trial that ended, on all machines, in order.

    jobs: trials at a time here. score(trial, fold): what it raises ends the search and passes through; the
    trial stays this owner's. record is called with all that ended, after each. pause(numbers) is called
    again and again while the confirming run waits for trials of other machines, and should sleep a little.
    UserError where the storage fails.
    """
    crew = _Crew(sampling, storage, score=score, record=record, pause=pause)
    with storage.explained():
        with ThreadPoolExecutor(jobs) as pool:
            workers = [pool.submit(crew.work) for _ in range(jobs)]
        for worker in workers:
            worker.result()
        record(crew.ended())
        return crew.ended()


class _Crew:
    """Threads that take trials from one storage."""

    def __init__(
        self,
        sampling: Sampling,
        storage: Storage,
        *,
        score: Callable[[Trial, int], float],
        record: Callable[[list[Scored]], None],
        pause: Callable[[list[int]], None],
    ) -> None:
        self.sampling = sampling
        self.name, self.owner = storage.name, storage.owner
        self.score, self.record, self.pause = score, record, pause
        self.optuna = load_optuna()
        self.storage = storage.open()
        self.study_id = self.storage.get_study_id_from_name(self.name)
        self.distributions = {
            name: self.optuna.distributions.FloatDistribution(range_.low, range_.high, log=range_.log)
            for name, range_ in sampling.space.ranges.items()
        }
        self.failed = threading.Event()
        self._lock = threading.Lock()
        trials = self._trials()
        for trial in trials:
            _require_sound(trial, trials, sampling, place=storage.place)
        self._begun = [
            trial.number
            for trial in trials
            if not trial.state.is_finished() and trial.user_attrs.get(_OWNER) == self.owner
        ]

    def work(self) -> None:
        """Take trials until none is left, or another thread failed."""
        try:
            while not self.failed.is_set() and (number := self._take()) is not None:
                self._run(number)
        except BaseException:
            self.failed.set()
            raise

    def ended(self) -> list[Scored]:
        """All machines' trials with scores, in order."""
        done = [
            trial for trial in self._trials() if trial.state.is_finished() and _SCORES in trial.user_attrs
        ]
        pruned = self.optuna.trial.TrialState.PRUNED
        return [
            Scored(self._described(trial), tuple(trial.user_attrs[_SCORES]), pruned=trial.state == pruned)
            for trial in done
        ]

    def _take(self) -> int | None:
        """A trial that this owner began, else a new one, else None."""
        with self._lock:
            if self._begun:
                return self._begun.pop(0)
            if len(self._trials()) >= self.sampling.trials:
                return None
            # With its owner from birth: ask() would leave a moment in which a killed process loses it.
            template = self.optuna.trial.create_trial(
                state=self.optuna.trial.TrialState.RUNNING, user_attrs={_OWNER: self.owner}
            )
            trial_id = self.storage.create_new_trial(self.study_id, template)
        number = self.storage.get_trial(trial_id).number
        if number < self.sampling.trials:
            return number
        # Another machine took the last one in the same moment. Numbers are given once, so it has it.
        self.storage.set_trial_state_values(trial_id, self.optuna.trial.TrialState.FAIL)
        return None

    def _run(self, number: int) -> None:
        sampling = self.sampling
        trial_id = self.storage.get_trial_id_from_study_id_trial_number(self.study_id, number)
        if number == 0:
            self._fix(trial_id, sampling.space.start)
        elif sampling.confirm_seed is not None and number == sampling.trials - 1:
            leader = self._leader_below(number)
            if leader is None:
                return
            self.storage.set_trial_user_attr(trial_id, _CONFIRMS, leader.trial.number)
            self._fix(trial_id, leader.trial.setting)
        study = self._study(number)
        trial = self.optuna.trial.Trial(study, trial_id)
        for name, distribution in self.distributions.items():
            trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
        self._train(study, trial)

    def _train(self, study: optuna.Study, trial: optuna.trial.Trial) -> None:
        """Fold by fold; a trial that is left where another thread failed stays this owner's."""
        frozen = self._frozen(trial.number)
        described = self._described(frozen)
        told = max(frozen.intermediate_values, default=-1)  # the last fold before this trial was cut short
        scores: list[float] = []
        pruned = False
        for fold in range(self.sampling.folds):
            if self.failed.is_set():
                return
            scores.append(self.score(described, fold))
            if fold > told:
                trial.report(float(np.mean(scores)), fold)
            can_stop = told <= fold < self.sampling.folds - 1 and described.confirms is None
            if can_stop and trial.should_prune():
                pruned = True
                break
        trial.set_user_attr(_SCORES, scores)
        if pruned:
            study.tell(trial.number, state=self.optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial.number, float(np.mean(scores)))
        with self._lock:
            self.record(self.ended())

    def _leader_below(self, number: int) -> Scored | None:
        """The best once all earlier trials have ended; None where another thread failed meanwhile."""
        while running := [one.number + 1 for one in self._trials()[:number] if not one.state.is_finished()]:
            if self.failed.is_set():
                return None
            self.pause(running)
        return best(self.ended())

    def _fix(self, trial_id: int, setting: Setting) -> None:
        """Decide the trial's values before the sampler does."""
        known = self.storage.get_trial(trial_id).params
        for name, distribution in self.distributions.items():
            if name not in known:
                value = distribution.to_internal_repr(setting[name])
                self.storage.set_trial_param(trial_id, name, value, distribution)

    def _study(self, number: int) -> optuna.Study:
        """The study with a sampler of the trial's own.

        Its proposal then depends on the trials before it alone: not on what this process did before, and
        two machines do not propose the same.
        """
        seed = int(np.random.SeedSequence([self.sampling.seed, number]).generate_state(1)[0])
        return self.optuna.load_study(
            study_name=self.name,
            storage=self.storage,
            sampler=self.optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed),
            pruner=self.optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
        )

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        """Within the budget, in order."""
        everything = self.storage.get_all_trials(self.study_id)
        return sorted(everything, key=lambda trial: trial.number)[: self.sampling.trials]

    def _frozen(self, number: int) -> optuna.trial.FrozenTrial:
        return self.storage.get_trial(
            self.storage.get_trial_id_from_study_id_trial_number(self.study_id, number)
        )

    def _described(self, frozen: optuna.trial.FrozenTrial) -> Trial:
        sampling, confirms = self.sampling, frozen.user_attrs.get(_CONFIRMS)
        setting = {name: float(frozen.params[name]) for name in sampling.space.keys}
        if confirms is None or sampling.confirm_seed is None:
            return Trial(frozen.number + 1, SEARCH, setting, sampling.seed)
        return Trial(frozen.number + 1, CONFIRMATION, setting, sampling.confirm_seed, confirms=confirms)


def _require_sound(
    trial: optuna.trial.FrozenTrial,
    trials: Sequence[optuna.trial.FrozenTrial],
    sampling: Sampling,
    *,
    place: str,
) -> None:
    """UserError where what a trial holds cannot be made a Scored: others may have written it."""
    if not trial.state.is_finished() or _SCORES not in trial.user_attrs:
        return
    scores, confirms = trial.user_attrs[_SCORES], trial.user_attrs.get(_CONFIRMS)
    numbers = [*(scores if isinstance(scores, list) else ()), *map(trial.params.get, sampling.space.keys)]
    known = confirms is None or confirms in [one.number + 1 for one in trials]
    if (
        not known
        or not 0 < len(numbers) - len(sampling.space.keys) <= sampling.folds
        or not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
    ):
        raise UserError(
            f"tune.storage={place}: trial {trial.number + 1} has scores or settings that this program does "
            "not write"
        )
