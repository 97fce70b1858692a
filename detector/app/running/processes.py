"""Several training processes on one machine, or the ones torchrun started."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from detector import system
from detector.app.ending import disks_explained
from detector.engine.settings import number_from
from detector.errors import Interrupted, NonFiniteError, UserError

Work = Callable[[dict[str, Any]], None]
MOST_WORKERS = 16
"""Loader processes of one GPU."""
STOP_WAIT = 30.0
"""Seconds in which processes that were told to stop must have ended, before they are killed."""

LOST = ("Connection closed", "Connection reset", "Broken pipe", "Connection refused", "remote process exited")
"""What gloo and NCCL say where another process is gone."""


def how_many(setting: int | str, device: torch.device, *, frames: int) -> int:
    """engine.processes -> a number; "auto" is one per GPU, and on a CPU of several cores two.

    Two processes of half the threads are faster than one (1.2 to 1.6 times on two cores), whose threads wait
    for each other at every small operation. Under torchrun it has decided. frames: to learn from, each
    process needs one. UserError for anything else than auto or a number from 1 to that.
    """
    if under_torchrun():
        count = int(os.environ["WORLD_SIZE"])
    elif setting == "auto":
        return min(torch.cuda.device_count() if device.type == "cuda" else min(2, cores()), frames)
    else:
        count = number_from("engine.processes", setting, least=1)
        if device.type == "cuda" and count > torch.cuda.device_count():
            raise UserError(f"engine.processes={count}: only {torch.cuda.device_count()} GPUs here")
    if count > frames:
        raise UserError(f"{count} training processes: there are only {frames} frames to learn from")
    return count


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def loader_workers(setting: int | str, device: torch.device) -> int:
    """engine.workers -> loader processes of this training process; for "auto" its share of the cores decides.

    The share is its number of threads. Beside a GPU, all of it but one. On a CPU, where training takes it
    all: one where it is three cores or more; else none, since a loader in the way of two processes that wait
    for each other costs more than it does. UserError for anything else than auto or a number from 0.
    """
    if setting == "auto":
        share = torch.get_num_threads()
        if device.type == "cuda":
            return min(max(share - 1, 1), MOST_WORKERS)
        return 1 if share > 2 else 0
    return number_from("engine.workers", setting, least=0)


def under_torchrun() -> bool:
    """Whether torchrun started this process beside others."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def first() -> bool:
    """Whether this process speaks for the run, where no process group is there to ask."""
    return not under_torchrun() or os.environ["RANK"] == "0"


def launch(
    work: Work, plain: dict[str, Any], *, device: torch.device, processes: int, timeout: float
) -> None:
    """Run `work(plain)` in this process, also where it is one of torchrun's, or in `processes` new ones
    joined by a process group.

    timeout: seconds that one of them waits for another. Raises what `work` raises; UserError where one of
    several processes was killed, or did not come for so long.
    """
    if under_torchrun() or processes == 1:
        work(plain)
    else:
        _spawn(work, plain, device=device, processes=processes, timeout=timeout)


@contextmanager
def torchrun_group(device: torch.device, timeout: int) -> Iterator[None]:
    """Joins the processes that torchrun started, where it started this one; timeout as in `launch`.

    UserError in place of what the process group says where another one is gone or does not come.
    """
    if not under_torchrun():
        yield
        return
    _join_group(device.type, number_from("engine.timeout", timeout, least=1))
    number = dist.get_rank()
    try:
        with _waits_explained(timeout):
            yield
    except RuntimeError as error:
        if not any(words in str(error) for words in LOST):
            raise
        raise UserError(f"process {number} lost its connection to the others; see why they ended") from error
    finally:
        dist.destroy_process_group()


def _join_group(kind: str, timeout: float, **rendezvous: Any) -> None:
    if kind == "cuda":
        # What collectives of objects and barriers use, whatever device the tensors are on.
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if kind == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout), **rendezvous)


@contextmanager
def _waits_explained(timeout: float) -> Iterator[None]:
    """A UserError in place of what the process group says when another process did not come in time."""
    try:
        yield
    except RuntimeError as error:
        if "timed out" not in str(error).lower() and "timeout" not in str(error).lower():
            raise
        raise UserError(
            f"process {dist.get_rank()} waited {timeout:g} s for the others (engine.timeout)"
        ) from error


def _spawn(
    work: Work, plain: dict[str, Any], *, device: torch.device, processes: int, timeout: float
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endings: SimpleQueue[Exception] = multiprocessing.get_context("spawn").SimpleQueue()
    # It reports on stderr that it ends the others when one fails, which is no news to the user.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    with _Told() as told:
        # They inherit it: while they start, Ctrl-C reaches them through us alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            context = mp.start_processes(
                _child,
                args=(work, plain, device.type, processes, port, timeout, endings),
                nprocs=processes,
                join=False,
                start_method="spawn",
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        assert context is not None
        told.watch(context.processes)
        try:
            while not context.join(timeout=1):
                told.look()
        except (mp.ProcessExitedException, mp.ProcessRaisedException):
            # One that fails breaks the others' connection: of several ends the reported one is the cause.
            codes = [process.exitcode for process in context.processes]
            if endings.empty() and told.stopped is None:
                if all(code is None or code >= 0 for code in codes):
                    raise  # a bug: the trace is wanted
                raise _lost(codes) from None
    if not endings.empty():
        error = endings.get()
        raise UserError(f"{error}{told.asleep()}") if isinstance(error, UserError) else error
    if told.stopped is not None:
        raise Interrupted(f"stopped; no training step was running, so nothing was saved{told.asleep()}")


class _Told:
    """Context that passes SIGINT and SIGTERM on to processes, and knows what they were seen to do.

    stopped: when it first had to. Processes that have not ended STOP_WAIT seconds later are killed.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.processes: Sequence[BaseProcess] = ()
        self.stopped: float | None = None
        self.states: dict[int, str] = {}
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> _Told:
        self._previous = {number: signal.signal(number, self._pass_on) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (signal's contract)
        self.stopped = self.stopped or time.monotonic()
        self._send(signal.SIGTERM)

    def watch(self, processes: Sequence[BaseProcess]) -> None:
        """Those to pass signals on to, and the ones that came while they were started."""
        self.processes = processes
        if self.stopped is not None:
            self._send(signal.SIGTERM)

    def look(self) -> None:
        """To be called again and again while they run."""
        self.states = {process.pid: system.state(process.pid) for process in self.processes if process.pid}
        if self.stopped is not None and time.monotonic() - self.stopped > STOP_WAIT:
            self._send(signal.SIGKILL)

    def asleep(self) -> str:
        """Who was stopped when last seen, for a message."""
        found = [str(pid) for pid, state in self.states.items() if state == system.STATES["T"]]
        return f"; stopped by a signal, and not to be waited for: process {', '.join(found)}" if found else ""

    def _send(self, number: int) -> None:
        for process in self.processes:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, number)


def _lost(codes: Sequence[int | None]) -> Exception:
    """What to say where one ended without a word; codes: as multiprocessing gives them."""
    if -signal.SIGKILL in codes:
        return UserError(
            "a training process was killed; out of memory? "
            "Lower engine.processes, engine.batch_size or engine.cache_mib"
        )
    ended = [signal.Signals(-code).name for code in codes if code is not None and code < 0]
    return UserError(f"a training process was ended by {ended[0]}; go on with resume=last.pt of the run")


def _child(
    number: int,
    work: Work,
    plain: dict[str, Any],
    kind: str,
    processes: int,
    port: int,
    timeout: float,
    endings: SimpleQueue[Exception],
) -> None:
    os.environ.update(LOCAL_RANK=str(number), LOCAL_WORLD_SIZE=str(processes))
    torch.set_num_threads(max(1, cores() // processes))
    system.die_with_parent()
    # Ctrl-C before training is the parent's to pass on; what came while it was blocked goes with this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        _join_group(kind, timeout, init_method=f"tcp://127.0.0.1:{port}", rank=number, world_size=processes)
        with _waits_explained(timeout), disks_explained():
            work(plain)
    except Interrupted as error:  # by all, whom the parent told
        endings.put(error)
    except (UserError, NonFiniteError) as error:
        endings.put(error)
        sys.stdout.flush()
        os._exit(1)  # the others may wait in a collective: leave without the group's farewell
    dist.destroy_process_group()
