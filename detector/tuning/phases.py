"""Tuning in phases: each tries candidates around the best of those before it, a confirming run ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from detector.errors import UserError
from detector.tuning.space import Setting, Space
from detector.tuning.trials import Scored, Trial, best

CONFIRMATION = "confirm"

Scores = tuple[float, ...]
Ended = Callable[[Trial, Scores], None]
Score = Callable[[Sequence[Trial], Ended], None]
"""score(trials, ended) scores independent trials in any order and calls ended(trial, scores) for each."""


@dataclass(frozen=True)
class Candidates:
    """Settings that replace some values of the best so far."""

    name: str
    changes: tuple[Setting, ...]

    def settings(self, centre: Setting, space: Space) -> list[dict[str, float]]:
        """UserError for a parameter that is not in the space, or outside its range."""
        return [space.changed(centre, change, where=f"tune.phases: {self.name}") for change in self.changes]


@dataclass(frozen=True)
class Around:
    """Steps from the best so far, one parameter and one step at a time."""

    name: str
    steps: Mapping[str, tuple[float, ...]]

    def settings(self, centre: Setting, space: Space) -> list[dict[str, float]]:
        """Without those that leave their range. UserError for a parameter that is not in the space."""
        where = f"tune.phases: {self.name}"
        found = []
        for name, steps in self.steps.items():
            space.require(name, where=where)
            for step in steps:
                value = float(f"{centre[name] + step:.10g}")  # 0.1 + 0.2 is 0.3 here
                if space.allows(name, value):
                    found.append(space.changed(centre, {name: value}, where=where))
        return found


@dataclass(frozen=True)
class Phases:
    """A procedure of at most `trials` trials, the confirming run included.

    A candidate equal to an earlier one takes its scores and costs no trial. Candidates beyond `trials` are
    left out. confirm_seed: of the confirming run; None: no such run. UserError for one that cannot be.
    """

    space: Space
    phases: Sequence[Candidates | Around]
    trials: int
    seed: int
    confirm_seed: int | None

    def __post_init__(self) -> None:
        if self.trials < (least := 1 if self.confirm_seed is None else 2):
            raise UserError(f"tune.trials={self.trials}: must be at least {least}")
        names = [phase.name for phase in self.phases]
        if not names or len({*names, CONFIRMATION}) <= len(names):
            raise UserError(f"tune.phases: must be one or more of different names, none '{CONFIRMATION}'")
        for phase in self.phases:  # whatever is wrong shows now, and not after hours of training
            if not phase.settings(self.space.start, self.space) and isinstance(phase, Candidates):
                raise UserError(f"tune.phases: {phase.name} has no candidates")

    def following(self, scored: Sequence[Scored]) -> list[Trial]:
        """The next trials, independent of each other; [] at the end.

        scored: the trials of all earlier calls, in order. The same scores give the same trials.
        """
        known: list[Scored] = []
        for phase in self.phases:
            leader = best(known)
            centre = self.space.start if leader is None else leader.trial.setting
            batch = self._batch(phase, centre, [one.trial for one in known])
            if len(scored) < len(known) + len(batch):
                return batch
            known.extend(scored[len(known) : len(known) + len(batch)])
        leader = best(known)
        if self.confirm_seed is None or leader is None or len(scored) > len(known):
            return []
        number, setting = len(known) + 1, leader.trial.setting
        confirmed = leader.trial.number
        return [Trial(number, CONFIRMATION, setting, self.confirm_seed, confirms=confirmed)]

    def _batch(self, phase: Candidates | Around, centre: Setting, earlier: Sequence[Trial]) -> list[Trial]:
        allowed = self.trials - (self.confirm_seed is not None)
        trials = list(earlier)
        for setting in phase.settings(centre, self.space):
            trained = [trial for trial in trials if trial.repeats is None]
            same = next((trial.number for trial in trained if trial.setting == setting), None)
            if same is not None or len(trained) < allowed:
                trials.append(Trial(len(trials) + 1, phase.name, setting, self.seed, repeats=same))
        return trials[len(earlier) :]


def search(phases: Phases, *, score: Score, record: Callable[[list[Scored]], None]) -> list[Scored]:
    """Every trial of the procedure with its scores, in order.

    record is called with all that is scored after each trial. What `score` raises passes through; called
    again with a `score` that gives the same values, the search takes the same way.
    """
    scored: list[Scored] = []
    while batch := phases.following(scored):
        scored.extend(_scored(batch, scored, score, record))
    record(scored)
    return scored


def _scored(
    batch: Sequence[Trial],
    earlier: Sequence[Scored],
    score: Score,
    record: Callable[[list[Scored]], None],
) -> list[Scored]:
    scores = {one.trial.number: one.scores for one in earlier}

    def known() -> list[Scored]:
        pairs = ((trial, scores.get(trial.repeats or trial.number)) for trial in batch)
        return [Scored(trial, found) for trial, found in pairs if found is not None]

    def ended(trial: Trial, found: Scores) -> None:
        scores[trial.number] = found
        record([*earlier, *known()])

    score([trial for trial in batch if trial.repeats is None], ended)
    return known()
