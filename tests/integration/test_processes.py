"""How several training processes end together. The work imports little, as every process imports it anew."""

import os
import signal
import time
from typing import Any

import pytest
import torch
import torch.distributed as dist

from detector.app.running import processes
from detector.errors import Interrupted, UserError

Plain = dict[str, Any]


def launch(work: processes.Work) -> None:
    processes.launch(work, {"parent": os.getpid()}, device=torch.device("cpu"), processes=2)


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


def stop_the_parent(plain: Plain) -> None:
    if dist.get_rank() == 0:
        os.kill(plain["parent"], signal.SIGTERM)
    time.sleep(600)


def test_processes_that_are_stopped_before_they_train_say_so():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="nothing was saved"):
        launch(stop_the_parent)
    assert signal.getsignal(signal.SIGTERM) is before
