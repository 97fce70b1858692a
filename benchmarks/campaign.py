"""Stop tiny trainings at random moments and take them up again: `python benchmarks/campaign.py SECONDS SEED`.

Every round begins a run with one process or two, stops it once or several times by KILL, TERM or INT, sent to
the process that was started or to one of its children, and goes on until the run has ended. It must then hold
what a run that nobody disturbed holds, to the last bit; every checkpoint that is seen on the way must be
whole; and nothing may still run ten seconds after the process that was started is gone. Prints a line for
each round and the counts at the end; status 1 where anything was not as it must be.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from detector.app.cli import main as main_program
from detector.app.running.workers import PROGRAM
from detector.engine import checkpoint
from detector.errors import UserError

SET = [
    "dataset={train: 12, val: 4, test: 4, frames_per_scene: 2}",
    *("scene.width=64", "scene.height=64", "scene.fine=1", "scene.objects=[1,4]"),
    *("scene.side_px=[9.0,30.0]", "processes=1"),
]
RUN = [
    *("model.stem=4", "model.widths=[8,8]", "model.depths=[1,1]", "model.neck_widths=[8,8]"),
    *("model.neck_depths=[1]", "augment.size=[64,64]", "init=null", "engine.device=cpu"),
    *("engine.precision=fp32", "engine.batch_size=4", "engine.epochs=6", "engine.evaluate_every=2"),
    *("engine.log_every=2", "optimizer.lr=0.002"),
]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
MOST_STOPS = 3
"""Of one run, so that every run ends."""
POLITE = 5.0
"""Seconds in which a run that was told to stop should have ended."""
ORPHANS = 10.0


@dataclass
class Counts:
    """What the rounds found."""

    stops: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    late: list[str] = field(default_factory=list)
    runs: int = 0


def descendants(pid: int) -> list[int]:
    """Children of a process and theirs, as /proc tells."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Forked:
    """A run in a fork of this process, which has loaded what takes long to load; as a Popen to its user."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=self._run, args=(words, log))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("train", timeout or 0)
        return code

    def kill(self) -> None:
        self._process.kill()

    @staticmethod
    def _run(words: list[str], log: Path) -> None:
        with log.open("ab") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        sys.argv = ["thermal-detector", *words]
        main_program("train")


Process = subprocess.Popen[bytes] | Forked


def start(words: list[str], log: Path, *, fork: bool) -> Process:
    if fork:
        return Forked(words, log)
    with log.open("ab") as output:
        return subprocess.Popen(
            [*PROGRAM, "train", *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def checkpoints(run: Path) -> Iterator[Path]:
    yield from (run / "checkpoints").glob("*.pt")


def same(one: Path, other: Path) -> list[str]:
    """What of two finished runs differs: weights, averages, memory, progress, metrics."""
    mine, wanted = (checkpoint.load(run / "checkpoints" / "last.pt") for run in (one, other))
    different = [
        name
        for name in ("model", "ema")
        if any(not torch.equal(mine[name][key], value) for key, value in wanted[name].items())
    ]
    if mine["progress"] != wanted["progress"]:
        different.append("progress")
    for key, memory in wanted["optimizer"]["state"].items():
        if any(
            not torch.equal(mine["optimizer"]["state"][key][name], value) for name, value in memory.items()
        ):
            different.append(f"optimizer {key}")
    files = ("metrics.json", "predictions.json")
    found = (name for name in files if (one / name).read_bytes() != (other / name).read_bytes())
    return [*different, *found]


def disturb(process: Process, rng: random.Random, *, longest: float, counts: Counts, run: Path) -> str | None:
    """Let it run for a random time, then send a signal; None where it had ended by itself."""
    try:
        process.wait(rng.uniform(0, longest))
        return None
    except subprocess.TimeoutExpired:
        pass
    number = rng.choice(SIGNALS)
    family = descendants(process.pid)
    to_child = bool(family) and rng.random() < 0.4
    target = rng.choice(family) if to_child else process.pid
    what = f"{number.name} to {'a child' if to_child else 'the parent'}"
    began = time.monotonic()
    try:
        os.kill(target, number)
    except ProcessLookupError:
        return "too late"
    if to_child and number is not signal.SIGKILL:
        # A helper may be ended by its parent alone, and a rank takes the others along or is not missed.
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            counts.faults.append(f"{what}: still running after 60 s")
            process.kill()
    else:
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            counts.faults.append(f"{what}: did not end in 60 s")
            process.kill()
        took = time.monotonic() - began
        counts.slowest = max(counts.slowest, took)
        if took > POLITE:
            counts.late.append(f"{what}: {took:.1f} s")
    process.wait()
    deadline = time.monotonic() + ORPHANS
    while any(map(lives, family)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in family if lives(pid)]
    if left:
        counts.faults.append(f"{what}: {len(left)} processes still there after {ORPHANS:g} s")
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    counts.stops[what] += 1
    counts.faults += [f"{what}: {fault}" for file in checkpoints(run) if (fault := unreadable(file))]
    return what


def unreadable(file: Path) -> str | None:
    try:
        checkpoint.load(file)
    except UserError as error:
        return str(error)
    return None


def round_of(
    number: int,
    folder: Path,
    common: list[str],
    wanted: dict[int, tuple[Path, float]],
    rng: random.Random,
    counts: Counts,
    *,
    fork: bool,
) -> None:
    processes = rng.choice((1, 1, 2))  # two cost several times as much
    whole, seconds = wanted[processes]
    run, log = folder / f"run{number}", folder / f"run{number}.log"
    words = [*common, f"engine.processes={processes}", f"engine.workers={rng.choice((0, 1))}"]
    told = []
    for stop in range(MOST_STOPS + 1):
        last = run / "checkpoints" / "last.pt"
        goes_on = [f"resume={last}"] if last.is_file() else [*words, f"hydra.run.dir={run}", "overwrite=true"]
        process = start(goes_on, log, fork=fork)
        if stop == MOST_STOPS:
            process.wait()
            break
        what = disturb(process, rng, longest=1.1 * seconds, counts=counts, run=run)
        if what is None:
            break
        told.append(what)
    counts.runs += 1
    if process.returncode != 0:
        end = log.read_text(errors="replace").strip().splitlines()[-1:]
        counts.faults.append(f"round {number} ({', '.join(told)}): ended with {process.returncode}: {end}")
    else:
        counts.faults += [f"round {number} ({', '.join(told)}): {name} differs" for name in same(run, whole)]
    print(f"round {number}: {processes} processes, {', '.join(told) or 'not disturbed'}", flush=True)
    shutil.rmtree(run, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    told = "begin runs as forks of this process: more stops in the same time, none while modules are loaded"
    parser.add_argument("--fork", action="store_true", help=told)
    chosen = parser.parse_args()
    # A shell that starts us in the background ignores it for us and all we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng, counts = random.Random(chosen.seed), Counts()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run([*PROGRAM, "synth", *SET, f"root={folder / 'set'}"], check=True, capture_output=True)
        common = [*RUN, f"data.root={folder / 'set'}"]
        wanted = {}
        for processes in (1, 2):
            whole, began = folder / f"whole{processes}", time.monotonic()
            words = [*common, f"engine.processes={processes}", "engine.workers=0", f"hydra.run.dir={whole}"]
            if start(words, folder / "whole.log", fork=chosen.fork).wait():
                raise SystemExit((folder / "whole.log").read_text())
            wanted[processes] = (whole, time.monotonic() - began)
            print(f"undisturbed, {processes} processes: {wanted[processes][1]:.1f} s", flush=True)
        end, number = time.monotonic() + chosen.seconds, 0
        while time.monotonic() < end:
            number += 1
            round_of(number, folder, common, wanted, rng, counts, fork=chosen.fork)
    print(f"{counts.runs} runs, {counts.stops.total()} stops")
    for what, count in sorted(counts.stops.items()):
        print(f"  {what}: {count}")
    print(
        f"slowest end after a signal: {counts.slowest:.1f} s; {len(counts.late)} took more than {POLITE:g} s"
    )
    for slow in counts.late:
        print(f"  {slow}")
    print(f"{len(counts.faults)} faults")
    for fault in counts.faults:
        print(f"  {fault}")
    raise SystemExit(bool(counts.faults))


if __name__ == "__main__":
    main()
