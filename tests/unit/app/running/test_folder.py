"""A run's folder has one training at a time, and keeps what it holds."""

import os
import subprocess
import sys

import pytest

from detector.app.running.folder import LOCK, Locked, clear, require_unused
from detector.errors import UserError

HOLD = """
import sys
from pathlib import Path
from detector.app.running.folder import Locked
Locked(Path(sys.argv[1]), join=len(sys.argv) > 2)
print("ready", flush=True)
sys.stdin.read()
"""


def holding(folder, *words):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_second_training_is_told_who_is_there_and_a_crash_leaves_no_lock(tmp_path):
    run = tmp_path / "run"
    process = holding(run)
    with pytest.raises(UserError, match=rf"run: another training runs there \(process {process.pid}\)"):
        Locked(run)
    process.kill()
    process.wait()
    lock = Locked(run)
    assert (run / LOCK).read_text() == f"{os.getpid()}\n"
    lock.release()
    assert os.listdir(run) == []


def test_a_rank_that_outlives_its_parent_keeps_others_out(tmp_path):
    lock = Locked(tmp_path)
    rank = holding(tmp_path, "joins")
    os.close(lock._file)  # as when this process is killed
    with pytest.raises(UserError, match="another training runs there"):
        Locked(tmp_path)
    rank.kill()
    rank.wait()
    Locked(tmp_path).release()


def test_a_folder_that_holds_a_run_is_not_begun_in_unless_asked(tmp_path):
    require_unused(tmp_path / "new", overwrite=False)
    (tmp_path / "config.yaml").touch()  # of one that saved nothing
    require_unused(tmp_path, overwrite=False)
    (tmp_path / "checkpoints").mkdir()  # of one that was killed while it wrote the first
    require_unused(tmp_path, overwrite=False)
    (tmp_path / "checkpoints" / "last.pt").touch()
    with pytest.raises(UserError, match=r"holds a run already \(checkpoints\).*overwrite=true"):
        require_unused(tmp_path, overwrite=False)
    require_unused(tmp_path, overwrite=True)


def test_what_goes_is_the_run_s_own(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.pt").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").touch()
    (tmp_path / "tensorboard").symlink_to(tmp_path / "elsewhere")
    for name in ("metrics.json", "notes.txt", LOCK):
        (tmp_path / name).touch()
    clear(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "notes.txt", LOCK]
    assert (tmp_path / "elsewhere" / "keep").exists()
