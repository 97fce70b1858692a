"""What a stranger has: the wheel in an environment of its own, and an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.commands import REPOSITORY, TINY_ENGINE, TINY_RUN, TINY_SET
from tests.integration.wheels import Environment, built

API = """
import sys, numpy, detector
assert detector.__file__.startswith(sys.prefix), detector.__file__
model = detector.load(sys.argv[1])
frame = numpy.random.default_rng(0).integers(20000, 30000, (64, 64), dtype=numpy.uint16)
found = model.predict(frame)
print(type(found).__name__, *model.classes)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Environment:
    """The wheel beside the packages that are here, and a tiny training."""
    folder = tmp_path_factory.mktemp("wheel")
    there = Environment.new(folder)
    there.see_all()
    there.install(built(REPOSITORY, folder))
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
