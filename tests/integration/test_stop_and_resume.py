"""Runs that are stopped or lose a loader worker, and go on."""

import json
import multiprocessing
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from detector.engine import checkpoint
from detector.engine.trainer import Trainer
from tests.integration.commands import TINY_RUN, await_file, files_under, finish, start
from tests.unit.engine.builders import assert_same


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
    overrides = ["engine.epochs=3", "engine.processes=1"]
    outcome = call("train", f"resume={last}", *overrides).assert_fine()
    assert "epoch 3/3" in outcome.out
    assert "epoch 2/3" not in outcome.out
    assert progress(copy_of_finished)["epoch"] == 3
    # It goes on in its own folder; the one that Hydra made for this command is gone.
    assert {name for name in files_under(tmp_path) if name.count("/") < 2} == {"runs", "runs/copy"}


def test_a_run_that_is_told_to_stop_saves_and_goes_on_as_if_nothing_was(tiny_set, call, tmp_path, at_step):
    arguments = [*TINY_RUN, f"data.root={tiny_set}"]
    call("train", *arguments, "hydra.run.dir=runs/whole").assert_fine()
    at_step(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    outcome = call("train", *arguments, "hydra.run.dir=runs/parts")
    run = tmp_path / "runs" / "parts"
    last = run / "checkpoints" / "last.pt"
    assert (outcome.status, outcome.err) == (130, f"stopped after step 4; go on with resume={last}\n")
    assert progress(run)["step"] == 4
    assert not (run / "metrics.json").exists()

    resumed = call("train", f"resume={last}").assert_fine()
    assert "epoch 2/2" in resumed.out
    assert "epoch 1/2" not in resumed.out
    whole = checkpoint.load(tmp_path / "runs" / "whole" / "checkpoints" / "last.pt")
    again = checkpoint.load(last)
    for part in ("model", "ema", "optimizer", "progress"):
        assert_same(again[part], whole[part], part)
    for name in ("metrics.json", "predictions.json"):
        assert (run / name).read_bytes() == (tmp_path / "runs" / "whole" / name).read_bytes()


def test_two_processes_are_stopped_together_and_one_goes_on(tiny_set, call, tmp_path):
    arguments = [*TINY_RUN, f"data.root={tiny_set}", "engine.processes=2", "hydra.run.dir=runs/two"]
    process = start("train", *arguments, "engine.epochs=1000", folder=tmp_path)
    run = tmp_path / "runs" / "two"
    last = run / "checkpoints" / "last.pt"
    await_file(last, process)
    process.send_signal(signal.SIGTERM)
    outcome = finish(process)
    assert outcome.status == 130, outcome.err
    assert outcome.err.splitlines()[-1].endswith(f"go on with resume={last}")
    assert "Traceback" not in outcome.err
    stopped = progress(run)
    assert stopped["step"] > 0

    epochs = stopped["epoch"] + 2  # the running one may have no step left
    overrides = [f"engine.epochs={epochs}", "engine.processes=1"]
    resumed = call("train", f"resume={last}", *overrides).assert_fine()
    assert f"epoch {epochs}/{epochs}" in resumed.out
    assert "1 x cpu" in resumed.out
    assert progress(run)["step"] == 3 * epochs
    assert (run / "metrics.json").is_file()


def test_a_killed_loader_worker_ends_training_with_a_clear_line(tiny_set, call, at_step):
    def kill_the_workers() -> None:
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

    at_step(1, kill_the_workers)
    # Epochs enough that the loader is still at work when it learns of it.
    arguments = [*TINY_RUN, f"data.root={tiny_set}", "engine.workers=1", "engine.epochs=200"]
    outcome = call("train", *arguments, "engine.evaluate_every=200")
    outcome.assert_error("error: DataLoader worker")
    assert "out of memory? Lower engine.workers or engine.cache_mib" in outcome.err


def test_a_changed_penalty_takes_effect_and_is_written_down(copy_of_finished, call):
    last = copy_of_finished / "checkpoints" / "last.pt"
    overrides = ["engine.epochs=3", "engine.processes=1", "optimizer.weight_decay=0.5"]
    outcome = call("train", f"resume={last}", *overrides).assert_fine()
    assert "note: goes on with optimizer.weight_decay=0.5 (was 0.05)" in outcome.out
    groups = checkpoint.load(last)["optimizer"]["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    (noted,) = json.loads((copy_of_finished / "resumed.json").read_text())
    assert "device 1 x cpu, float32 (was 2 x cpu, float32)" in noted["changes"]
    assert noted["after_step"] == 6


def test_a_set_that_has_changed_is_not_gone_on_with(copy_of_finished, tiny_set, call, tmp_path):
    own = Path(shutil.copytree(tiny_set, tmp_path / "set"))
    file = own / "annotations" / "train.json"
    document = json.loads(file.read_text())
    document["annotations"][0]["bbox"][0] += 1
    file.write_text(json.dumps(document))
    last = copy_of_finished / "checkpoints" / "last.pt"
    before = last.read_bytes()
    outcome = call("train", f"resume={last}", f"data.root={own}", "engine.processes=1", "engine.epochs=3")
    outcome.assert_error("the training split has changed since: it had 12 frames")
    assert last.read_bytes() == before


def test_a_used_folder_is_not_begun_in_unless_asked(copy_of_finished, tiny_set, call):
    best = copy_of_finished / "checkpoints" / "best.pt"
    before = best.read_bytes()
    arguments = [*TINY_RUN, f"data.root={tiny_set}", f"hydra.run.dir={copy_of_finished}", "seed=5"]
    call("train", *arguments).assert_error("holds a run already (checkpoints, metrics.json")
    assert best.read_bytes() == before
    call("train", *arguments, "overwrite=true").assert_fine()
    assert checkpoint.load(best)["config"]["seed"] == 5


def test_bad_frames_are_left_out_and_named_at_the_end(tiny_set, call, tmp_path):
    own = Path(shutil.copytree(tiny_set, tmp_path / "set"))
    bad = sorted((own / "train").glob("*.png"))[2]
    bad.write_bytes(b"")
    outcome = call("train", *TINY_RUN, f"data.root={own}", "data.on_error=skip").assert_fine()
    line = f"train split: 1 frames left out, which cannot be read: {bad}: the image file is empty"
    assert outcome.out.count(line) == 2
    assert outcome.out.splitlines()[-1] == line
