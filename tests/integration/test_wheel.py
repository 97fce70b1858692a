"""What a stranger has: the wheel in an environment of its own, and an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.commands import REPOSITORY, TINY_ENGINE, TINY_RUN, TINY_SET

API = """
import sys, numpy, detector
assert detector.__file__.startswith(sys.prefix), detector.__file__
model = detector.load(sys.argv[1])
frame = numpy.random.default_rng(0).integers(20000, 30000, (64, 64), dtype=numpy.uint16)
found = model.predict(frame)
print(type(found).__name__, *model.classes)
"""


@dataclass(frozen=True)
class Installed:
    """programs: the folder of the new environment's programs. folder: where they are run, empty at first."""

    programs: Path
    folder: Path

    def run(self, program: str, *words: str, inside: str = "") -> str:
        """What it says on stdout; the test fails with what it said where it ends with an error."""
        folder = self.folder / inside
        folder.mkdir(exist_ok=True)
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        ended = subprocess.run(
            [str(self.programs / program), *words],
            cwd=folder,
            env={
                **{key: value for key, value in os.environ.items() if key not in hidden},
                "OMP_NUM_THREADS": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    """The wheel, built by the backend that is here, beside the packages that are here, and a tiny training.

    The editable install is not seen: a folder named in a .pth file has its own .pth files ignored.
    """
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *build, str(REPOSITORY)], check=True)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    paths = sysconfig.get_paths(vars={"base": str(venv), "platbase": str(venv)})
    Path(paths["purelib"], "present.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = str(Path(paths["scripts"]) / "python")
    subprocess.run([*pip, "--python", python, "install", "--quiet", "--no-deps", str(wheel)], check=True)
    there = Installed(Path(paths["scripts"]), folder / "empty")
    there.run("thermal-detector", "synth", *TINY_SET, "root=set")
    there.run(
        "thermal-detector", "train", *TINY_RUN, "engine.epochs=1", "data.root=set", "hydra.run.dir=runs/first"
    )
    return there


def test_the_package_is_the_wheel_s_and_carries_its_configurations(installed):
    where = "import detector, detector.app.configs as c; print(detector.__file__, c.CONFIGS, sep='\\n')"
    package, configs = map(Path, installed.run("python", "-c", where).splitlines())
    assert installed.programs.parent in package.parents
    assert configs == package.parent / "configs"
    shipped = {file.relative_to(REPOSITORY) for file in (REPOSITORY / "configs").rglob("*.yaml")}
    assert {Path("configs") / file.relative_to(configs) for file in configs.rglob("*.yaml")} == shipped
    assert (package.parent / "report" / "kit" / "page.html").is_file()


def test_a_stranger_trains_evaluates_and_predicts(installed):
    run = installed.folder / "runs" / "first"
    assert {"metrics.json", "predictions.json", "samples.png"} <= {file.name for file in run.iterdir()}
    # From another folder: the paths that a run remembers hold there too.
    checkpoint = f"checkpoint={run / 'checkpoints' / 'best.pt'}"
    out = installed.run(
        "thermal-detector", "eval", checkpoint, "data.split=val", *TINY_ENGINE, inside="elsewhere"
    )
    assert out.startswith("val split, 4 frames:")
    source = f"source={installed.folder / 'set' / 'test'}"
    installed.run("thermal-detector", "predict", checkpoint, source, "output=found", inside="elsewhere")
    assert (installed.folder / "elsewhere" / "found" / "detections.json").is_file()
    page = installed.run("thermal-detector", "report", f"run={run}", inside="elsewhere")
    assert page.endswith(f"page: {run / 'report.html'}\n")


def test_the_python_interface_needs_no_source_tree(installed):
    best = installed.folder / "runs" / "first" / "checkpoints" / "best.pt"
    said = installed.run("python", "-c", API, str(best), inside="elsewhere")
    assert "person" in said


def test_help_and_a_module_s_name_are_there_too(installed):
    assert "train a detector" in installed.run("thermal-detector", "--help")
    assert "* nano " in installed.run("python", "-m", "detector", "train", "--help")
