"""Several training processes on one machine, or the ones torchrun started."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from detector.app.command import INTERRUPTED
from detector.engine.steplog import NonFiniteError
from detector.engine.trainer import Interrupted
from detector.errors import UserError

Work = Callable[[dict[str, Any]], None]


def how_many(setting: int | str, device: torch.device) -> int:
    """engine.processes -> a number; "auto" is one per GPU, and on a CPU of several cores two.

    Two processes of half the threads beat one: between its many small operations a step waits for its
    threads to meet. UserError for anything else than auto or a number from 1.
    """
    if setting == "auto":
        if device.type == "cuda":
            return torch.cuda.device_count()
        return min(2, cores())
    if not isinstance(setting, int) or setting < 1:
        raise UserError(f"engine.processes={setting}: must be auto or a number from 1")
    if device.type == "cuda" and setting > torch.cuda.device_count():
        raise UserError(f"engine.processes={setting}: only {torch.cuda.device_count()} GPUs here")
    return setting


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def under_torchrun() -> bool:
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(work: Work, plain: dict[str, Any], *, device: torch.device, processes: int) -> None:
    """Run `work(plain)` in this process, in torchrun's, or in `processes` new ones joined by a process group.

    Raises what `work` raises; where it ran in new processes they have printed it, and this one exits with
    their status.
    """
    if under_torchrun():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        try:
            work(plain)
        finally:
            dist.destroy_process_group()
    elif processes == 1:
        work(plain)
    else:
        _spawn(work, plain, device=device, processes=processes)


def _spawn(work: Work, plain: dict[str, Any], *, device: torch.device, processes: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.start_processes(
        _child,
        args=(work, plain, device.type, processes, port),
        nprocs=processes,
        join=False,
        start_method="spawn",
    )
    assert context is not None

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (signal's contract)
        for process in context.processes:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, number)

    # Ctrl-C reaches the children by itself; SIGTERM is sent to this process alone.
    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on)}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while not context.join():
            pass
    except mp.ProcessExitedException as error:
        if error.exit_code == INTERRUPTED:
            raise Interrupted("training stopped; it goes on with resume=RUN/checkpoints/last.pt") from None
        if error.signal_name is not None:
            raise UserError(f"a training process was ended by {error.signal_name}; out of memory?") from None
        sys.exit(error.exit_code)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _child(number: int, work: Work, plain: dict[str, Any], kind: str, processes: int, port: int) -> None:
    os.environ["LOCAL_RANK"] = str(number)
    if kind == "cpu":
        torch.set_num_threads(max(1, cores() // processes))
    dist.init_process_group(
        "nccl" if kind == "cuda" else "gloo",
        init_method=f"tcp://127.0.0.1:{port}",
        rank=number,
        world_size=processes,
    )
    try:
        work(plain)
    except (UserError, NonFiniteError) as error:
        if number == 0 or isinstance(error, UserError):
            print("error: " + " ".join(str(error).split()), file=sys.stderr, flush=True)
        os._exit(1)  # the others wait in a collective: leave without the group's farewell
    except Interrupted:
        dist.barrier()
        os._exit(INTERRUPTED)
    dist.destroy_process_group()
