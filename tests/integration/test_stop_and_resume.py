"""Runs that are stopped, killed or starved, and go on."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from detector.app import processes
from detector.app import train as train_app
from detector.engine import checkpoint
from detector.engine.trainer import Interrupted, Trainer
from detector.errors import UserError
from tests.integration.commands import TINY_RUN, files_under, finish, program, start


@pytest.fixture
def copy_of_finished(finished, tmp_path) -> Path:
    """The finished run, free to be changed."""
    return Path(shutil.copytree(finished.run, tmp_path / "runs" / "copy"))


@pytest.fixture
def at_step(monkeypatch):
    """at_step(n, act): calls `act` once training has taken n steps."""
    inner = Trainer._step

    def arrange(number: int, act) -> None:
        def step(self: Trainer, batches) -> None:
            inner(self, batches)
            if self.progress.step == number:
                act()

        monkeypatch.setattr(Trainer, "_step", step)

    return arrange


def progress(run: Path) -> dict[str, Any]:
    return checkpoint.load(run / "checkpoints" / "last.pt")["progress"]


def test_a_finished_run_can_be_made_longer(copy_of_finished, call, tmp_path):
    last = copy_of_finished / "checkpoints" / "last.pt"
    outcome = call("train", train_app.run, f"resume={last}", "engine.epochs=3").assert_fine()
    assert "epoch 3/3" in outcome.out
    assert "epoch 2/3" not in outcome.out
    assert progress(copy_of_finished)["epoch"] == 3
    # It goes on in its own folder; the one that Hydra made for this command is gone.
    assert {name for name in files_under(tmp_path) if name.count("/") < 2} == {"runs", "runs/copy"}


def test_a_run_that_is_told_to_stop_saves_and_goes_on_as_if_nothing_was(
    finished, tiny_set, call, tmp_path, at_step, monkeypatch
):
    at_step(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    arguments = [*TINY_RUN, f"data.root={tiny_set}", "hydra.run.dir=runs/a"]
    outcome = call("train", train_app.run, *arguments)
    last = tmp_path / "runs" / "a" / "checkpoints" / "last.pt"
    assert (outcome.status, outcome.err) == (130, f"stopped after step 4; go on with resume={last}\n")
    assert progress(last.parent.parent)["step"] == 4
    assert not (tmp_path / "runs" / "a" / "metrics.json").exists()

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    resumed = program("train", f"resume={last}", folder=tmp_path).assert_fine()
    assert "epoch 2/2" in resumed.out
    assert files_under(tmp_path / "runs") >= {"a/metrics.json", "a/samples.png"}
    whole = checkpoint.load(finished.run / "checkpoints" / "last.pt")
    again = checkpoint.load(last)
    assert again["progress"]["step"] == whole["progress"]["step"] == 6
    for name, value in whole["ema"].items():  # to the last bit in tests/unit/engine/test_resume.py
        torch.testing.assert_close(again["ema"][name], value, rtol=1e-3, atol=1e-5)


def test_two_processes_train_are_stopped_together_and_go_on(tiny_set, tmp_path):
    arguments = [*TINY_RUN, f"data.root={tiny_set}", "engine.processes=2", "hydra.run.dir=runs/two"]
    process = start("train", *arguments, "engine.epochs=1000", folder=tmp_path)
    last = tmp_path / "runs" / "two" / "checkpoints" / "last.pt"
    while not last.exists() and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    outcome = finish(process)
    assert outcome.status == 130, outcome.err
    assert outcome.err.splitlines()[-1].endswith(f"go on with resume={last}")
    assert "Traceback" not in outcome.err
    stopped = progress(last.parent.parent)
    assert stopped["step"] > 0

    epochs = stopped["epoch"] + 1
    resumed = program("train", f"resume={last}", f"engine.epochs={epochs}", folder=tmp_path).assert_fine()
    assert f"epoch {epochs}/{epochs}" in resumed.out
    assert "2 x cpu" in resumed.out
    assert progress(last.parent.parent)["step"] == 3 * epochs
    assert "metrics.json" in files_under(last.parent.parent)


def test_a_killed_loader_worker_ends_training_with_a_clear_line(tiny_set, call, at_step):
    def kill_the_workers() -> None:
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

    at_step(1, kill_the_workers)
    # Epochs enough that the loader is still at work when it learns of it.
    arguments = [*TINY_RUN, f"data.root={tiny_set}", "engine.workers=1", "engine.epochs=200"]
    outcome = call("train", train_app.run, *arguments, "engine.evaluate_every=200")
    outcome.assert_error("error: DataLoader worker (pid")
    assert "out of memory? Lower engine.workers or engine.cache_mib" in outcome.err


def killed_while_others_wait(_: dict[str, Any]) -> None:
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def test_a_killed_training_process_is_a_clear_error():
    with pytest.raises(UserError, match="a training process was killed; out of memory"):
        processes.launch(killed_while_others_wait, {}, device=torch.device("cpu"), processes=2)


def stopped_early(_: dict[str, Any]) -> None:
    if dist.get_rank() == 0:
        os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(600)


def test_processes_that_are_stopped_before_they_train_say_so():
    with pytest.raises(Interrupted, match="nothing was saved"):
        processes.launch(stopped_early, {}, device=torch.device("cpu"), processes=2)
