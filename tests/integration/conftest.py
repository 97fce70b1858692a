"""One tiny data set and one finished run, made once by the real commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.app.cli import main
from tests.integration.commands import TINY_RUN, TINY_SET, Call, Outcome, program


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> tuple[Path, Outcome]:
    """scripts/synth.py: the folder of the set, and how the command ended."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder / "set", program("synth", *TINY_SET, "root=set", folder=folder)


@pytest.fixture(scope="session")
def tiny_set(made) -> Path:
    """A synthetic set of 12, 4 and 4 frames of 64x64."""
    root, outcome = made
    outcome.assert_fine()
    return root


@dataclass(frozen=True)
class FinishedRun:
    """folder: where the command ran; run: the run's folder in it."""

    folder: Path
    run: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def finished(tiny_set, tmp_path_factory) -> FinishedRun:
    """scripts/train.py with two processes and a loader worker for each. Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("finished")
    overrides = [*TINY_RUN, f"data.root={tiny_set}", "engine.processes=2", "engine.workers=1"]
    outcome = program("train", *overrides, "hydra.run.dir=runs/first", folder=folder).assert_fine()
    return FinishedRun(folder, folder / "runs" / "first", outcome)


@dataclass(frozen=True)
class Exported:
    """An .onnx file that takes frames of any size, and the checkpoint it was made of."""

    file: Path
    checkpoint: Path


@pytest.fixture(scope="session")
def exported(tiny_set, tmp_path_factory) -> Exported:
    """Of a run so long that places score apart, and the order of detections is no matter of last bits."""
    pytest.importorskip("onnxscript", reason="the extra export is not installed")
    folder = tmp_path_factory.mktemp("exported")
    longer = ["engine.epochs=40", "engine.evaluate_every=40", "optimizer.lr=0.01"]
    told = [*TINY_RUN, *longer, f"data.root={tiny_set}", "hydra.run.dir=run"]
    program("train", *told, folder=folder).assert_fine()
    made = Exported(folder / "run" / "best_fp32.onnx", folder / "run" / "checkpoints" / "best.pt")
    program("export", f"checkpoint={made.checkpoint}", folder=folder).assert_fine()
    return made


@pytest.fixture
def call(tmp_path, monkeypatch, capsys) -> Call:
    """Runs a command in this process and in an empty folder, tmp_path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it; put back afterwards

    def calling(name: str, *overrides: str) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["thermal-detector", name, *overrides])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return Outcome(status, *capsys.readouterr())

    return calling
