"""Imports point one way, and only `app` knows Hydra."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import detector

PACKAGE = Path(detector.__file__).parent
FLOORS = (
    {"errors", "version"},
    {"files", "system", "structures", "tensors", "dtypes", "distributed"},
    {"geometry", "thermal"},
    {"synth", "data", "models", "assign", "losses", "tracking"},
    {"criterion", "evaluation"},
    {"charts"},
    {"engine"},
    {"inference"},
    {"export", "live"},
    {"tuning", "doctor", "labelling", "events"},
    {"report"},
    {"app"},
    {"__main__"},
)
"""From the ground up: a part may import those below it and itself, not its neighbours."""
SLOW = {"torch", "scipy", "sklearn", "matplotlib", "tensorboard", "albumentations", "optuna"}
"""Packages that take half a second and more to load."""
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}


def imported(file: Path) -> Iterator[str]:
    """Full names of the modules a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


def test_every_part_has_its_floor():
    assert {part_of(file) for file in FILES} == set(FLOOR)


@pytest.mark.parametrize("part", sorted(FLOOR))
def test_imports_point_down(part: str):
    for file in (file for file in FILES if part_of(file) == part):
        for name in imported(file):
            if not name.startswith("detector."):
                continue
            other = name.split(".")[1]
            below = other == part or FLOOR[other] < FLOOR[part]
            assert below, f"{file.relative_to(PACKAGE)} imports {name}"


def test_only_the_commands_know_hydra():
    for file in FILES:
        names = {name.split(".")[0] for name in imported(file)}
        assert part_of(file) == "app" or not names & {"hydra", "omegaconf"}, file


def test_what_is_slow_is_loaded_by_what_needs_it_alone():
    """To import what measures and draws costs neither Torch nor SciPy nor Matplotlib."""
    rooms = [
        file for file in FILES if part_of(file) in {"evaluation", "charts", "doctor", "tuning", "report"}
    ]
    names = [
        ".".join(("detector", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for file in rooms
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names}: importlib.import_module(name)\n"
        f"print({SLOW} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
