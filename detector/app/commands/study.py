"""Run a study: every arm with every seed, each as its own `thermal-detector train`, then its page."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from detector.app.running.workers import Workers, how_many_at_once, run_command
from detector.errors import UserError
from detector.report.study.figure import figure
from detector.report.study.page import FIGURE, TABLE, Study, page
from detector.tuning.study import collect, plan
from detector.tuning.training import read_json

PAGE = "results.md"


def run(config: DictConfig) -> None:
    """The command: config as in configs/study.yaml. Runs that are finished are kept, broken ones resumed."""
    study, folder = config.study, Path(str(config.output))
    arms = _overrides(study.arms)
    metrics = tuple(str(name) for name in study.metrics)
    if study.baseline not in arms:
        raise UserError(f"study.baseline={study.baseline}: is none of the arms {', '.join(arms)}")
    if not metrics:
        raise UserError("study.metrics=[]: must name at least one metric")
    conditions, tests = _overrides(study.conditions), _overrides(study.tests)
    if conditions and tests:
        raise UserError("study.conditions and study.tests are both given: a study has one of them")
    runs = plan(
        arms,
        conditions=conditions,
        base=tuple(study.base),
        seeds=tuple(study.seeds),
        folds=study.folds,
        folder=folder,
        tests=tests,
    )
    described = Study(
        name=str(study.name),
        question=str(study.question),
        command=shlex.join(("thermal-detector", "study", *HydraConfig.get().overrides.task)),
        prepare=[[str(word) for word in command] for command in study.prepare],
        base=tuple(study.base),
        arms=arms,
        conditions=conditions,
        tests=tests,
        baseline=str(study.baseline),
        seeds=tuple(study.seeds),
        folds=study.folds,
    )
    jobs = how_many_at_once(config.jobs)
    prepare(study.prepare, folder)
    OmegaConf.save(config, folder / "study.yaml", resolve=True)
    kept = [run.training.finished for run in runs]
    ended = 0

    def done(number: int, seconds: float) -> None:
        nonlocal ended
        ended += 1
        run = runs[number]
        # After every new run, so that a study cut short leaves what it has.
        if not kept[number] or ended == len(runs):
            results = collect(runs, metrics)
            device, versions = _environment(run.training.folder / "environment.json")
            text = page(described, results, device=device, versions=versions)
            (folder / TABLE).write_text(results.csv())
            (folder / FIGURE).write_text(figure(described, results))
            (folder / PAGE).write_text(text)
        found = " ".join(f"{name} {run.training.metric(name):.3f}" for name in metrics)
        print(f"{ended}/{len(runs)} {run}: {found} ({seconds:.0f} s)", flush=True)

    with Workers(jobs) as workers:
        workers.train_all([run.training for run in runs], done)
    print(f"page: {folder / PAGE}")


def _environment(file: Path) -> tuple[str, dict[str, str]]:
    """The device and the versions that a run was made with; UserError where they are not there."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return str(told["device"]), {str(name): str(value) for name, value in told["versions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{file}: is not what a run writes there") from None


def prepare(commands: Sequence[Sequence[str]], folder: Path) -> None:
    """Run each command, [name, override, ...], unless it succeeded in this folder before.

    Raises UserError where one fails, or the folder was prepared by other commands.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "prepared.json"
    done = read_json(record) if record.is_file() else []
    wanted = [[str(word) for word in command] for command in commands]
    if not isinstance(done, list) or done != wanted[: len(done)]:
        raise UserError(f"{record}: this folder was prepared by other commands; give another output")
    for number, (name, *overrides) in enumerate(wanted[len(done) :], start=len(done)):
        for key, _, value in (override.partition("=") for override in overrides):
            if key in ("root", "output") and folder in Path(value).parents:
                shutil.rmtree(value, ignore_errors=True)  # of this command, cut short
        run_command(name, overrides, log=folder / "prepare.txt")
        record.write_text(json.dumps(wanted[: number + 1], indent=1) + "\n")


def _overrides(groups: DictConfig) -> dict[str, tuple[str, ...]]:
    return {str(name): tuple(overrides) for name, overrides in groups.items()}
