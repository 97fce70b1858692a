"""Tune parameters of a training by cross-validation, in phases or by optuna; leaves a record and a winner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from detector.app.commands.study import prepare
from detector.app.running.workers import STOPPED, Workers, how_many_at_once
from detector.app.tuning.output import Output
from detector.app.tuning.winner import check_winner
from detector.errors import Interrupted, UserError
from detector.tuning import optuna_search, phases
from detector.tuning.optuna_storage import Storage, load_optuna
from detector.tuning.phases import Around, Candidates, Ended, Phases
from detector.tuning.space import Range, Space
from detector.tuning.trials import Scored, Trial

WAIT = 5.0
"""Seconds between looks at a storage that other machines write to."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/tune.yaml. Finished trainings are kept, broken ones resumed."""
    tune, folder = config.tune, Path(str(config.output))
    procedure = procedure_of(tune)
    space = procedure.space
    check_winner(tune.name, (*tune.base, *space.overrides(space.start)))
    jobs = how_many_at_once(config.jobs)
    prepare(tune.prepare, folder)
    OmegaConf.save(config, folder / "tune.yaml", resolve=True)
    output = Output(tune, space, folder)
    with Workers(jobs) as workers:
        if isinstance(procedure, Phases):
            scored = by_phases(procedure, output, workers)
        else:
            scored = by_optuna(procedure, output, workers)
    print(output.conclusion(scored))


def by_phases(procedure: Phases, output: Output, workers: Workers) -> list[Scored]:
    """All folds of all trials of a phase side by side."""
    folds = output.tune.folds

    def score(trials: Sequence[Trial], ended: Ended) -> None:
        pairs = [(trial, fold) for trial in trials for fold in range(folds)]
        trainings = [output.training(trial, fold) for trial, fold in pairs]
        kept = [training.finished for training in trainings]
        left = {trial.number: folds for trial in trials}

        def done(number: int, seconds: float) -> None:
            trial, fold = pairs[number]
            print(output.scored_line(trial, fold, seconds=None if kept[number] else seconds), flush=True)
            left[trial.number] -= 1
            if not left[trial.number]:
                ended(trial, tuple(output.score(trial, fold) for fold in range(folds)))

        workers.train_all(trainings, done)

    return phases.search(procedure, score=score, record=output.record)


def by_optuna(sampling: optuna_search.Sampling, output: Output, workers: Workers) -> list[Scored]:
    """As many trials side by side as there are jobs, each fold by fold so that one can be given up."""
    tune = output.tune
    told: set[int] = set()

    def score(trial: Trial, fold: int) -> float:
        training = output.training(trial, fold)
        kept = training.finished
        seconds = workers.train(training)
        print(output.scored_line(trial, fold, seconds=None if kept else seconds), flush=True)
        return output.score(trial, fold)

    def pause(running: list[int]) -> None:
        if workers.stopped:
            raise Interrupted(STOPPED)
        if not told.issuperset(running):
            told.update(running)
            print(f"the confirming run waits for trials {', '.join(map(str, running))}", flush=True)
        time.sleep(WAIT)

    storage = Storage(
        place=str(tune.storage or output.folder / "optuna.log"),
        name=tune.name,
        description=_description(tune),
        owner=output.owner(),
    )
    return optuna_search.search(
        sampling, storage, jobs=workers.jobs, score=score, record=output.record, pause=pause
    )


def _description(tune: DictConfig) -> dict[str, object]:
    """What machines that share a study must agree on, as written: what ${output} is may differ."""
    names = ("parameters", "start", "ranges", "base", "budget", "folds", "metric", "seed", "confirm")
    plain = OmegaConf.to_container(tune)
    assert isinstance(plain, dict)
    return {name: plain[name] for name in names}


def procedure_of(tune: DictConfig) -> Phases | optuna_search.Sampling:
    """What configs/tune/*.yaml describe; UserError for values that cannot be."""
    if tune.folds < 2:
        raise UserError(f"tune.folds={tune.folds}: must be at least 2")
    if tune.seed < 0:
        raise UserError(f"tune.seed={tune.seed}: must be at least 0")
    space = _space(tune)
    again = tune.seed + 1 if tune.confirm else None
    if tune.strategy == "phases":
        return Phases(space, _phases(tune), trials=tune.trials, seed=tune.seed, confirm_seed=again)
    if tune.strategy == "optuna":
        load_optuna()  # where it is missing, before anything is prepared
        return optuna_search.Sampling(
            space, folds=tune.folds, trials=tune.trials, seed=tune.seed, confirm_seed=again
        )
    raise UserError(f"tune.strategy={tune.strategy}: must be phases or optuna")


def _space(tune: DictConfig) -> Space:
    return Space(
        keys={str(name): str(key) for name, key in tune.parameters.items()},
        start=_numbers(tune.start, "tune.start"),
        ranges={str(name): _range(f"tune.ranges.{name}", value) for name, value in tune.ranges.items()},
    )


def _range(where: str, value: object) -> Range:
    """From [low, high] or {low: ..., high: ..., log: true}."""
    if isinstance(value, ListConfig) and len(value) == 2:
        return Range(_number(value[0], where), _number(value[1], where))
    if isinstance(value, DictConfig) and {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        return Range(_number(value.low, where), _number(value.high, where), log=value.get("log") is True)
    raise UserError(f"{where}={value}: must be [low, high] or {{low: , high: , log: true}}")


def _phases(tune: DictConfig) -> list[Candidates | Around]:
    found: list[Candidates | Around] = []
    for number, phase in enumerate(tune.phases, start=1):
        keys = set(phase) if isinstance(phase, DictConfig) else set()
        name = str(phase.name if "name" in keys else number)
        where = f"tune.phases: {name}"
        if keys == {"name", "candidates"}:
            found.append(Candidates(name, tuple(_numbers(one, where) for one in phase.candidates)))
        elif keys == {"name", "around"}:
            steps = {
                str(key): tuple(_number(one, where) for one in some) for key, some in phase.around.items()
            }
            found.append(Around(name, steps))
        else:
            raise UserError(f"{where}: must have a name and candidates, or a name and around")
    return found


def _numbers(values: object, where: str) -> dict[str, float]:
    if not isinstance(values, DictConfig):
        raise UserError(f"{where}: {values}: must be a value for each name, {{gamma: 2.0}}")
    return {str(name): _number(value, where) for name, value in values.items()}


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{where}: {value}: must be a number")
    return float(value)
