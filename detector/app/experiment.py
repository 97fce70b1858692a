"""Run a study: every arm with every seed, each as its own `scripts/train.py`, then the table."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from detector.errors import UserError
from detector.tuning.study import Run, collect, plan

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
LOG = "log.txt"


def run(config: DictConfig) -> None:
    """The command: config as in configs/study.yaml. Runs that are finished are kept, broken ones resumed."""
    study, folder = config.study, Path(str(config.output))
    arms = {str(name): tuple(overrides) for name, overrides in study.arms.items()}
    metrics = tuple(str(name) for name in study.metrics)
    if study.baseline not in arms:
        raise UserError(f"study.baseline={study.baseline}: is none of the arms {', '.join(arms)}")
    runs = plan(arms, base=tuple(study.base), seeds=tuple(study.seeds), folder=folder)
    if study.synth:
        _script("synth.py", tuple(study.synth), folder / "synth.txt")
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "study.yaml", resolve=True)
    for number, one in enumerate(runs, start=1):
        started = time.monotonic()
        one.claim()
        if not one.finished:
            _train(one)
        took = time.monotonic() - started
        results = collect(runs, metrics)
        found = " ".join(
            f"{name} {value:.3f}" for name, value in zip(metrics, results.of(one.arm)[one.seed], strict=True)
        )
        print(f"{number}/{len(runs)} {one.arm} seed {one.seed}: {found} ({took:.0f} s)", flush=True)
        # After every run, so that a study cut short leaves what it has.
        (folder / "results.csv").write_text(results.csv())
        (folder / "results.md").write_text(results.table(study.baseline))
    print(collect(runs, metrics).table(study.baseline))
    print(f"results: {folder / 'results.csv'}, {folder / 'results.md'}")


def _train(one: Run) -> None:
    checkpoint = one.checkpoint
    resume = () if checkpoint is None else (f"resume={checkpoint}",)
    overrides = resume or (*one.overrides, f"hydra.run.dir={one.folder}")
    _script("train.py", overrides, one.folder / LOG)


def _script(name: str, overrides: Sequence[str], log: Path) -> None:
    """Run a command of this project; its output goes to `log`. UserError where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        status = subprocess.run(
            [sys.executable, SCRIPTS / name, *overrides], stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status:
        last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise UserError(
            f"{name} {' '.join(overrides)}: ended with status {status}: {last} (all of it: {log})"
        )
