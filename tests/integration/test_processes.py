"""How several training processes end together. The work imports little, as every process imports it anew."""

import os
import signal
import time
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from detector.app.running import processes
from detector.errors import Interrupted, UserError

Plain = dict[str, Any]
TIMEOUT = 20
"""Seconds that a process waits for another."""


def launch(work: processes.Work, **plain: Any) -> None:
    processes.launch(
        work, {"parent": os.getpid(), **plain}, device=torch.device("cpu"), processes=2, timeout=TIMEOUT
    )


def fail(_: Plain) -> None:
    raise UserError(f"rank {dist.get_rank()} of {dist.get_world_size()}\ncannot")


def test_what_every_process_raises_is_raised_once():
    with pytest.raises(UserError, match=r"rank [01] of 2\ncannot"):
        launch(fail)


def fail_while_the_other_waits(_: Plain) -> None:
    if dist.get_rank() == 1:
        raise UserError("the cause")
    dist.barrier()


def test_what_one_raises_is_the_cause_though_the_other_loses_its_connection():
    with pytest.raises(UserError, match="the cause"):
        launch(fail_while_the_other_waits)


def die_while_the_other_waits(_: Plain) -> None:
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def test_a_killed_process_is_a_clear_error():
    with pytest.raises(UserError, match="a training process was killed; out of memory"):
        launch(die_while_the_other_waits)


def end_while_the_other_waits(_: Plain) -> None:
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    dist.barrier()


def test_a_process_that_was_told_to_end_did_not_run_out_of_memory():
    with pytest.raises(UserError, match="a training process was ended by SIGTERM; go on with"):
        launch(end_while_the_other_waits)


def sleep_while_the_other_waits(_: Plain) -> None:
    dist.barrier()
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    dist.barrier()


def test_a_stopped_process_is_waited_for_so_long_and_named(monkeypatch):
    monkeypatch.setattr("tests.integration.test_processes.TIMEOUT", 4)
    # Else torch waits half a minute for the stopped one to end.
    monkeypatch.setattr(mp.ProcessContext, "_join_procs_with_timeout", lambda *_: None)
    said = (
        r"process 0 waited 4 s for the others .*; stopped by a signal, and not to be waited for: process \d+"
    )
    with pytest.raises(UserError, match=said):
        launch(sleep_while_the_other_waits)


def stop_the_parent(plain: Plain) -> None:
    if dist.get_rank() == 0:
        os.kill(plain["parent"], plain["signal"])
    time.sleep(600)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_processes_that_are_stopped_before_they_train_say_so(number):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match="nothing was saved"):
        launch(stop_the_parent, signal=number)
    assert signal.getsignal(number) is before
