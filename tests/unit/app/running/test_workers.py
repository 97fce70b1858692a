"""Trainings side by side; a script of a few lines stands for the program."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.app.running import workers
from detector.app.running.folder import Locked
from detector.app.running.workers import Workers, how_many_at_once, run_command
from detector.errors import Interrupted, UserError
from detector.tuning.training import Training

# Notes when it ran and with what, waits for `go` where told to, and ends as a training does.
SCRIPT = """
import json, os, pathlib, signal, sys, time
words = dict(word.split("=", 1) for word in sys.argv[2:])
folder = pathlib.Path(words.get("hydra.run.dir") or pathlib.Path(words["resume"]).parents[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
(folder / "started").write_text(json.dumps([sys.argv[2:], os.environ.get("OMP_NUM_THREADS")]))
go = folder.parent / words.get("wait", "nothing")
while "wait" in words and not go.exists():
    time.sleep(0.01)
if "fail" in words:
    print("first line"); sys.exit(words["fail"])
(folder / "metrics.json").write_text("{}")
"""


@pytest.fixture(autouse=True)
def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(SCRIPT, tmp_path, monkeypatch)


def stand_in(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the script where the program would be run, with the same words."""
    (folder / "program.py").write_text(script)
    monkeypatch.setattr(workers, "PROGRAM", (sys.executable, folder / "program.py"))


def training(folder: Path, name: str, *overrides: str) -> Training:
    return Training(folder / name, overrides)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def test_each_runs_once_in_its_folder_with_its_share_of_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 6)
    some = [training(tmp_path, name, f"x={name}") for name in "ab"]
    ended: list[int] = []
    with Workers(2) as pool:
        pool.train_all(some, lambda number, _: ended.append(number))
        assert sorted(ended) == [0, 1]
        words, threads = json.loads((tmp_path / "a" / "started").read_text())
        assert words == ["x=a", f"hydra.run.dir={tmp_path / 'a'}", "engine.processes=1"]
        assert threads == "3"
        (tmp_path / "a" / "started").unlink()
        pool.train_all(some, lambda number, _: ended.append(number))
    assert not (tmp_path / "a" / "started").exists(), "finished: not run again"
    assert sorted(ended) == [0, 0, 1, 1]


def test_no_more_than_jobs_run_at_once(tmp_path):
    some = [training(tmp_path, name, "wait=go") for name in "abc"]
    with Workers(2) as pool:
        thread = threading.Thread(target=pool.train_all, args=(some, lambda *_: None))
        thread.start()
        until(lambda: sum((one.folder / "started").exists() for one in some) == 2)
        time.sleep(0.1)
        assert sum((one.folder / "started").exists() for one in some) == 2
        (tmp_path / "go").touch()
        thread.join()
    assert all(one.finished for one in some)


def test_a_broken_one_goes_on_from_its_checkpoint(tmp_path):
    one = training(tmp_path, "a", "x=1")
    one.claim()
    checkpoint = tmp_path / "a" / "checkpoints" / "last.pt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    with Workers(1) as pool:
        pool.train(one)
    assert json.loads((tmp_path / "a" / "started").read_text())[0] == [
        f"resume={checkpoint}",
        "engine.processes=1",
    ]


def test_what_is_trained_is_judged_on_each_test_that_it_lacks(tmp_path, monkeypatch):
    script = """
import json, pathlib, sys
words = dict(word.split("=", 1) for word in sys.argv[2:])
folder = pathlib.Path(words["output"])
folder.mkdir(parents=True)
(folder / "metrics.json").write_text(json.dumps(sys.argv[1:]))
"""
    stand_in(script, tmp_path, monkeypatch)
    one = Training(tmp_path / "a", ("x=1",), {"near": ("y=1",), "far": ()})
    one.claim()
    for folder in (one.folder, one.test_folder("far")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text("{}")
    one.note_test("far")
    with Workers(1) as pool:
        pool.train(one)
    assert one.finished
    asked = json.loads((one.test_folder("near") / "metrics.json").read_text())
    assert asked == [
        "evaluate",
        "y=1",
        f"checkpoint={one.folder}/checkpoints/best.pt",
        f"output={one.folder}/tests/near",
    ]
    assert (one.test_folder("far") / "metrics.json").read_text() == "{}"


def test_after_a_failure_no_other_is_started_and_its_last_line_is_told(tmp_path):
    some = [training(tmp_path, "a", "fail=no such data"), training(tmp_path, "b")]
    with (
        Workers(1) as pool,
        pytest.raises(UserError, match=r"train fail=no such data .* no such data \(all of it: .*a/log"),
    ):
        pool.train_all(some, lambda *_: None)
    assert not (tmp_path / "b").exists()


def test_a_signal_stops_those_that_run_and_starts_no_other(tmp_path):
    some = [training(tmp_path, "a", "wait=never"), training(tmp_path, "b")]

    def stop() -> None:
        until((tmp_path / "a" / "started").exists)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with Workers(1) as pool:
        threading.Thread(target=stop).start()
        with pytest.raises(Interrupted):
            pool.train_all(some, lambda *_: None)
    assert signal.getsignal(signal.SIGTERM) is before
    assert not some[0].finished
    assert not (tmp_path / "b").exists()


def test_of_two_studies_on_one_folder_the_second_is_told_in_one_line(tmp_path, monkeypatch):
    script = """
import pathlib, sys
from detector.app.running.folder import Locked
try:
    Locked(pathlib.Path(sys.argv[2].partition("=")[2]))
except ValueError as error:
    sys.exit(f"error: {error}")
"""
    stand_in(script, tmp_path, monkeypatch)
    one = training(tmp_path, "a")
    one.claim()
    lock = Locked(one.folder)  # of the first one's training
    with Workers(1) as pool, pytest.raises(UserError) as caught:
        pool.train(one)
    lock.release()
    told = str(caught.value)
    assert f"{one.folder}: another training runs there (process {os.getpid()}); wait for its end" in told
    assert "\n" not in told


def test_jobs(monkeypatch):
    monkeypatch.setattr(workers.torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(workers, "cores", lambda: 3)
    assert (how_many_at_once("auto"), how_many_at_once(7)) == (3, 7)
    monkeypatch.setattr(workers, "cores", lambda: 64)
    assert how_many_at_once("auto") == workers.MOST_ON_CPU
    for wrong in (0, "many", 1.5):
        with pytest.raises(UserError, match="jobs="):
            how_many_at_once(wrong)


def test_every_gpu_gets_trainings(monkeypatch):
    monkeypatch.setattr(workers.torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(workers, "cores", lambda: 8)
    assert how_many_at_once("auto") == 2
    pool = Workers(3)
    assert [pool._share(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert pool._share(1) == {"CUDA_VISIBLE_DEVICES": "7", "OMP_NUM_THREADS": "2"}


def test_a_command_that_fails_says_its_last_line(tmp_path, monkeypatch):
    script = "import sys; print('first'); raise SystemExit(f'what is wrong with {sys.argv[1:]}')"
    stand_in(script, tmp_path, monkeypatch)
    with pytest.raises(
        UserError, match=r"split a=1: ended with status 1: what is wrong with \['split', 'a=1'\]"
    ):
        run_command("split", ["a=1"], log=tmp_path / "log.txt")
