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


@pytest.fixture(scope="session")
def exported(finished, tmp_path_factory) -> Path:
    """The best checkpoint of that run as an .onnx file, which takes frames of any size."""
    pytest.importorskip("onnxscript", reason="the extra export is not installed")
    file = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    checkpoint = finished.run / "checkpoints" / "best.pt"
    program("export", f"checkpoint={checkpoint}", f"output={file}", folder=file.parent).assert_fine()
    return file


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
