"""The commands, run as a user runs them, on data and models small enough for a test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

TINY_SET = [
    "dataset={train: 12, val: 4, test: 4, frames_per_scene: 2}",
    "scene.width=64",
    "scene.height=64",
    "scene.fine=1",
    "scene.objects=[1,4]",
    "scene.side_px=[9.0,30.0]",
    "processes=1",
]
"""For synth: 3 batches of 4 in an epoch."""

TINY_RUN = [
    "model.stem=4",
    "model.widths=[8,8]",
    "model.depths=[1,1]",
    "model.neck_widths=[8,8]",
    "model.neck_depths=[1]",
    "data.scale=1",
    "augment.size=[64,64]",
    "engine.device=cpu",  # also where there is a GPU: bits are compared
    "engine.precision=fp32",
    "engine.processes=1",
    "engine.workers=0",
    "engine.batch_size=4",
    "engine.epochs=2",
    "engine.evaluate_every=1",
    "engine.warmup_fraction=0.3334",  # 2 steps
    "engine.log_every=1",
    "optimizer.lr=0.002",
]
"""For train: a network of a few thousand parameters, 6 steps."""

TINY_ENGINE = [
    value for value in TINY_RUN if value.startswith(("engine.device", "engine.precision", "engine.batch"))
]
"""For evaluate: what of it must be alike to get the same numbers to the last bit."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str

    def assert_fine(self) -> Outcome:
        """Itself, if it ended well; else the test fails with what it said."""
        assert self.status == 0, self.err
        return self

    def assert_error(self, message: str) -> None:
        """One line on stderr that begins so, status 1, no trace."""
        assert (self.status, self.err.count("\n")) == (1, 1), self.err
        assert self.err.startswith("error: ")
        assert message in self.err
        assert "Traceback" not in self.out


Call = Callable[..., Outcome]
"""call(name, *overrides): a command in this process, much faster than a new one."""


def start(name: str, *overrides: str, folder: Path) -> subprocess.Popen[str]:
    """scripts/NAME.py in a process of its own, in `folder`."""
    # stdin: nobody types; the tests' own might be closed.
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "scripts" / f"{name}.py"), *overrides],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, timeout: float = 600) -> Outcome:
    """Wait for it; a busy machine may take long, a hanging command must not take for ever."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Outcome(process.returncode, out, err)


def await_file(path: Path, process: subprocess.Popen[str], *, timeout: float = 600) -> None:
    """Until the command has written the file, or has ended, or took too long."""
    end = time.monotonic() + timeout
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)


def program(name: str, *overrides: str, folder: Path) -> Outcome:
    """`start` and `finish`."""
    return finish(start(name, *overrides, folder=folder))


def files_under(folder: Path) -> set[str]:
    """Every file and folder in it, by its path from there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
