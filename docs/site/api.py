"""The reference of the package: one page for what is public, one for each room of the house."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import detector

ROOMS = (
    "structures",
    "tensors",
    "geometry",
    "thermal",
    "data",
    "models",
    "assign",
    "losses",
    "criterion",
    "evaluation",
    "tracking",
    "inference",
    "events",
)
"""In the order of docs/architecture.md: what new parts build on."""


def write(folder: Path) -> None:
    """index.rst and ROOM.rst, in a new folder."""
    folder.mkdir()
    (folder / "index.rst").write_text(_public(), encoding="utf-8")
    for room in ROOMS:
        (folder / f"{room}.rst").write_text(_room(room), encoding="utf-8")


def _public() -> str:
    functions = [name for name in detector.__all__ if inspect.isfunction(getattr(detector, name))]
    classes = [name for name in detector.__all__ if name not in functions]
    lines = [
        *_title("Python API", "="),
        "``import detector`` gives all of this; :doc:`/docs/python` shows it at work. The rooms below are",
        "the package's inside: what a new part builds on. They may change from version to version.",
        "",
    ]
    for title, names, directive in (
        ("Functions", functions, "autofunction"),
        ("Classes", classes, "autoclass"),
    ):
        lines += _title(title, "-")
        for name in names:
            lines += [f".. {directive}:: detector.{name}"]
            lines += ["   :members:", ""] if directive == "autoclass" else [""]
    lines += [*_title("Rooms", "-"), ".. toctree::", "   :maxdepth: 1", ""]
    lines += [f"   {room}" for room in ROOMS]
    return "\n".join(lines) + "\n"


def _room(room: str) -> str:
    module = import_module(f"detector.{room}")
    names = [module.__name__]
    if hasattr(module, "__path__"):
        names += [found.name for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}.")]
    lines = _title(room, "=")
    for name in names:
        if name != module.__name__:
            lines += _title(name.removeprefix("detector."), "-")
        lines += [f".. automodule:: {name}", "   :members:", f"   :exclude-members: {_public_of(name)}", ""]
    return "\n".join(lines) + "\n"


def _public_of(module: str) -> str:
    """What the page of the public API describes already."""
    inside = vars(import_module(module))
    return ", ".join(name for name in detector.__all__ if inside.get(name) is getattr(detector, name))


def _title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]
