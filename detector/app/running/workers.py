"""Several trainings at a time on one machine, each `thermal-detector train` in a process of its own."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch

from detector.app.running.processes import cores
from detector.engine.settings import number_from
from detector.errors import Interrupted, UserError
from detector.tuning.training import Training

PROGRAM = (sys.executable, "-m", "detector")
LOG = "log.txt"
STOPPED = "stopped; the same command goes on from here"
MOST_ON_CPU = 4
"""Trainings at a time where nobody says how many: each decodes and caches frames of its own."""


def how_many_at_once(setting: int | str) -> int:
    """jobs -> a number; "auto" is one per GPU, and on a CPU one per core up to MOST_ON_CPU.

    Small models on few pixels cannot keep several cores busy: n trainings of one thread take less time than
    n times one training of n threads. UserError for anything else than auto or a number from 1.
    """
    if setting == "auto":
        return torch.cuda.device_count() or min(MOST_ON_CPU, cores())
    return number_from("jobs", setting, least=1)


def run_command(
    name: str, overrides: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command of this project; its output goes to `log`. UserError where it fails.

    environment: None is this process's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        status = subprocess.run(
            [*PROGRAM, name, *overrides],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        ).returncode
    if status:
        raise _failure(name, overrides, status, log)


class Workers:
    """Runs up to `jobs` trainings at once; as a context it passes SIGINT and SIGTERM on to them.

    A training that is stopped saves its checkpoint, and goes on from there when it is run again. A second
    signal ends them at once.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.stopped = False
        self._slots: queue.Queue[int] = queue.Queue()
        for slot in range(jobs):
            self._slots.put(slot)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Workers:
        self._previous = {number: signal.signal(number, self._stop) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def train(self, training: Training) -> float:
        """Run it to its end with its tests, once a slot is free; what is there stays. Returns seconds.

        UserError where it fails, or its folder is of other overrides or in use; Interrupted when stopped.
        """
        slot = self._slots.get()
        try:
            started = time.monotonic()
            if self.stopped:
                raise Interrupted(STOPPED)
            training.claim()
            if not training.trained:
                self._train(training, slot)
            for test in training.untested:
                self._test(training, test, slot)
            return time.monotonic() - started
        finally:
            self._slots.put(slot)

    def train_all(self, trainings: Sequence[Training], done: Callable[[int, float], None]) -> None:
        """Run them all; done(index, seconds) is called in this thread after each, in the order they end.

        After a failure those that run are let finish, no other is started, and the failure is raised.
        """
        failed = threading.Event()

        def train(training: Training) -> float | None:
            if failed.is_set():
                return None
            try:
                return self.train(training)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(self.jobs) as pool:
            numbers = {pool.submit(train, training): number for number, training in enumerate(trainings)}
            for future in as_completed(numbers):
                if future.exception() is None and (seconds := future.result()) is not None:
                    done(numbers[future], seconds)
        for future in numbers:
            future.result()

    def _train(self, training: Training, slot: int) -> None:
        checkpoint = training.checkpoint
        changes = (*training.overrides, f"hydra.run.dir={training.folder}")
        # One process, which has its share of the machine to itself.
        overrides = (
            *(changes if checkpoint is None else (f"resume={checkpoint}",)),
            "engine.processes=1",
        )
        log = training.folder / LOG
        with log.open("a") as output:
            process = subprocess.Popen(
                [*PROGRAM, "train", *overrides],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._share(slot)},
                start_new_session=True,  # Ctrl-C reaches it through us alone, once
            )
            self._running.add(process)
            if self.stopped:  # between our look and its start
                process.terminate()
            status = process.wait()
            self._running.discard(process)
        if self.stopped and status:
            raise Interrupted(STOPPED)
        if status:
            raise _failure("train", overrides, status, log)

    def _test(self, training: Training, test: str, slot: int) -> None:
        where = (f"checkpoint={training.folder}/checkpoints/best.pt", f"output={training.test_folder(test)}")
        try:
            run_command(
                "evaluate",
                [*training.tests[test], *where],
                log=training.folder / LOG,
                environment={**os.environ, **self._share(slot)},
            )
            training.note_test(test)
        except UserError:
            if self.stopped:
                raise Interrupted(STOPPED) from None
            raise
        if self.stopped:
            raise Interrupted(STOPPED)

    def _share(self, slot: int) -> dict[str, str]:
        """Environment that gives a training its part of the cores, and its GPU where there is one."""
        share = {"OMP_NUM_THREADS": str(max(1, cores() // self.jobs))}
        gpus = torch.cuda.device_count()
        if gpus:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus)))).split(",")
            share["CUDA_VISIBLE_DEVICES"] = visible[slot % gpus]
        return share

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (signal's contract)
        self.stopped = True
        for process in list(self._running):
            process.terminate()


def _failure(name: str, overrides: Sequence[str], status: int, log: Path) -> UserError:
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    return UserError(f"{name} {' '.join(overrides)}: ended with status {status}: {last} (all of it: {log})")
