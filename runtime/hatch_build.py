"""Which modules of the package the runtime takes: those that its own import when they are loaded.

An import inside a function is of something that only the full package has (detector/app/full_package.py).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TREE = Path(__file__).resolve().parents[1]
FOLDER = "thermal_detector_runtime"
ROOTS = (
    *("detector.app.runtime", "detector.app.api"),
    # What detector/app/parts.py makes by name of an exported file, and a user to calibrate frames.
    *("detector.thermal.agc", "detector.inference.postprocess", "detector.geometry.nms"),
    *("detector.thermal.radiometry", "detector.tracking.bytetrack"),
)


class Modules(BuildHookInterface):
    """Adds them to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        for file in sorted(modules()):
            build_data["force_include"][str(file)] = f"{FOLDER}/{file.relative_to(TREE).as_posix()}"


def modules() -> set[Path]:
    """The files of ROOTS and of all that is loaded with them."""
    found: set[Path] = set()
    waiting = list(ROOTS)
    while waiting:
        for file in _files(waiting.pop()):
            if file not in found:
                found.add(file)
                waiting += _imported(file)
    return found


def _files(name: str) -> Iterator[Path]:
    """Those loaded for a module: of the packages around it, and its own; none of another project's."""
    parts = name.split(".")
    if parts[0] != "detector":
        return
    for count in range(1, len(parts) + 1):
        place = TREE.joinpath(*parts[:count])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():  # else the last part is a name inside the module
            yield file


def _imported(file: Path) -> Iterator[str]:
    """Names that a file imports outside its functions and its `if TYPE_CHECKING`."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
