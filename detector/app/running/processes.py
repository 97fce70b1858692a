"""Several training processes on one machine, or the ones torchrun started."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from detector.engine.settings import number_from
from detector.errors import Interrupted, NonFiniteError, UserError

Work = Callable[[dict[str, Any]], None]
MOST_WORKERS = 16
"""Loader processes of one GPU."""


def how_many(setting: int | str, device: torch.device) -> int:
    """engine.processes -> a number; "auto" is one per GPU, and on a CPU of several cores two.

    Two processes of half the threads are faster than one (1.2 to 1.6 times on two cores), whose threads wait
    for each other at every small operation. Under torchrun it has decided. UserError for
    anything else than auto or a number from 1.
    """
    if under_torchrun():
        return int(os.environ["WORLD_SIZE"])
    if setting == "auto":
        if device.type == "cuda":
            return torch.cuda.device_count()
        return min(2, cores())
    count = number_from("engine.processes", setting, least=1)
    if device.type == "cuda" and count > torch.cuda.device_count():
        raise UserError(f"engine.processes={count}: only {torch.cuda.device_count()} GPUs here")
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


def launch(work: Work, plain: dict[str, Any], *, device: torch.device, processes: int) -> None:
    """Run `work(plain)` in this process, in torchrun's, or in `processes` new ones joined by a process group.

    Raises what `work` raises; UserError where one of several processes was killed.
    """
    if under_torchrun():
        _join_group(device.type)
        try:
            work(plain)
        finally:
            dist.destroy_process_group()
    elif processes == 1:
        work(plain)
    else:
        _spawn(work, plain, device=device, processes=processes)


def _join_group(kind: str, **rendezvous: Any) -> None:
    if kind == "cuda":
        # What collectives of objects and barriers use, whatever device the tensors are on.
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", **rendezvous)


def _spawn(work: Work, plain: dict[str, Any], *, device: torch.device, processes: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endings: SimpleQueue[Exception] = multiprocessing.get_context("spawn").SimpleQueue()
    # It reports on stderr that it ends the others when one fails, which is no news to the user.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    context = mp.start_processes(
        _child,
        args=(work, plain, device.type, processes, port, endings),
        nprocs=processes,
        join=False,
        start_method="spawn",
    )
    assert context is not None
    stopped = False

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's contract)
        nonlocal stopped
        stopped = True
        for process in context.processes:
            # Ctrl-C reaches the children by itself; SIGTERM is sent to this process alone.
            if number == signal.SIGTERM and process.is_alive() and process.pid is not None:
                os.kill(process.pid, number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not context.join():
            pass
    except (mp.ProcessExitedException, mp.ProcessRaisedException):
        # One that fails breaks the others' connection: of several ends the reported one is the cause.
        if endings.empty() and not stopped:
            codes = [process.exitcode for process in context.processes]
            if -signal.SIGKILL not in codes:
                raise
            raise UserError(
                "a training process was killed; out of memory? "
                "Lower engine.processes, engine.batch_size or engine.cache_mib"
            ) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not endings.empty():
        raise endings.get()
    if stopped:
        raise Interrupted("stopped; no training step was running, so nothing was saved")


def _child(
    number: int,
    work: Work,
    plain: dict[str, Any],
    kind: str,
    processes: int,
    port: int,
    endings: SimpleQueue[Exception],
) -> None:
    os.environ["LOCAL_RANK"] = str(number)
    torch.set_num_threads(max(1, cores() // processes))
    _join_group(kind, init_method=f"tcp://127.0.0.1:{port}", rank=number, world_size=processes)
    try:
        work(plain)
    except Interrupted as error:  # by all at the same step
        endings.put(error)
    except (UserError, NonFiniteError) as error:
        endings.put(error)
        os._exit(1)  # the others may wait in a collective: leave without the group's farewell
    dist.destroy_process_group()
