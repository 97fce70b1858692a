"""How many processes train together, and what comes back from them."""

import os
from typing import Any

import pytest
import torch

from detector.app.running import processes
from detector.errors import UserError

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (2, 2), (64, 2)])
def test_auto_on_a_cpu(monkeypatch, cores, count):
    monkeypatch.setattr(processes, "cores", lambda: cores)
    assert processes.how_many("auto", CPU, frames=9) == count


def test_auto_on_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert processes.how_many("auto", CUDA, frames=9) == 3
    assert processes.how_many(2, CUDA, frames=9) == 2
    assert processes.how_many("auto", CUDA, frames=1) == 1
    with pytest.raises(UserError, match=r"engine\.processes=4: only 3 GPUs here"):
        processes.how_many(4, CUDA, frames=9)


@pytest.mark.parametrize("setting", [0, -1, 1.5, "two"])
def test_other_numbers_are_refused(setting):
    with pytest.raises(UserError, match=f"engine.processes={setting}: must be auto or a number from 1"):
        processes.how_many(setting, CPU, frames=9)


@pytest.mark.parametrize(
    ("device", "threads", "workers"),
    [(CPU, 1, 0), (CPU, 2, 0), (CPU, 4, 1), (CUDA, 1, 1), (CUDA, 4, 3), (CUDA, 64, 16)],
)
def test_auto_loader_workers_take_the_cores_that_are_left(monkeypatch, device, threads, workers):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert processes.loader_workers("auto", device) == workers


def test_loader_workers_as_asked_for():
    assert processes.loader_workers(3, CPU) == 3
    assert processes.loader_workers(0, CUDA) == 0


@pytest.mark.parametrize("setting", [-1, 1.5, "two"])
def test_other_loader_workers_are_refused(setting):
    with pytest.raises(UserError, match=f"engine.workers={setting}: must be auto or a number from 0"):
        processes.loader_workers(setting, CPU)


def test_torchrun_decides_for_itself(monkeypatch):
    assert processes.first()
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    assert processes.how_many("auto", CPU, frames=9) == processes.how_many(1, CPU, frames=9) == 4
    assert not processes.first()
    monkeypatch.setenv("RANK", "0")
    assert processes.first()


def test_one_process_is_this_one():
    seen: dict[str, Any] = {}

    def work(plain: dict[str, Any]) -> None:
        seen.update(plain, pid=os.getpid())
        raise UserError("passed on")

    with pytest.raises(UserError, match="passed on"):
        processes.launch(work, {"a": 1}, device=CPU, processes=1, timeout=60)
    assert seen == {"a": 1, "pid": os.getpid()}
