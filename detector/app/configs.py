"""Where the configurations are, and what their files say: without Hydra, which is slow to load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml


def _folder() -> Path:
    """configs/ inside the installed package, or beside it where it runs from its sources."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


# Absolute, and a str: Hydra reads a relative path of a packaged module as the name of another package.
CONFIGS = str(_folder())
Entry = tuple[yaml.Node, yaml.Node]


@dataclass(frozen=True)
class Choice:
    """A group in a file's defaults list. package: the key of its settings. option: None if none is chosen."""

    group: str
    package: str
    option: str | None
    mandatory: bool

    @property
    def key(self) -> str:
        """What an override of it begins with."""
        return self.group if self.package == self.group else f"{self.group}@{self.package}"


@dataclass(frozen=True)
class Setting:
    """value: as the file writes it. meaning: its comment, or nothing."""

    value: str
    meaning: str


def choices(name: str, overrides: Sequence[str] = ()) -> list[Choice]:
    """The groups of configs/NAME.yaml, with those options that overrides such as model=small choose."""
    return list(_choices(_File(Path(CONFIGS) / f"{name}.yaml"), _chosen(overrides)))


def options(group: str) -> list[str]:
    """The names that may be chosen of a group. What options share begins with _ and is none."""
    return sorted(file.stem for file in (Path(CONFIGS) / group).glob("[!_]*.yaml"))


def settings(name: str, overrides: Sequence[str] = ()) -> dict[str, Setting]:
    """Every value of configs/NAME.yaml and of the options chosen in it, by its dotted key."""
    found: dict[str, Setting] = {}
    for key, setting in _settings(Path(CONFIGS) / f"{name}.yaml", "", _chosen(overrides)):
        if setting.value == "{}" and any(known.startswith(f"{key}.") for known in found):
            continue
        for dot in re.finditer(r"\.", key):  # what was no group in an earlier file is one now
            found.pop(key[: dot.start()], None)
        known = found.get(key)
        found[key] = Setting(setting.value, setting.meaning or (known.meaning if known else ""))
    return found


def own_settings(name: str) -> list[str]:
    """The keys of `settings` that stand in configs/NAME.yaml itself."""
    return [key for key, _ in _File(Path(CONFIGS) / f"{name}.yaml").settings()]


def heading(name: str) -> list[str]:
    """The lines of comment at the top of configs/NAME.yaml; NAME may be GROUP/OPTION."""
    return _File(Path(CONFIGS) / f"{name}.yaml").heading


def summary(name: str) -> str:
    """The first of those lines, or the question that a study asks."""
    file = _File(Path(CONFIGS) / f"{name}.yaml")
    question = next((str(value.value) for key, value in file.entries if key.value == "question"), "")
    return (file.heading or [question])[0]


def _chosen(overrides: Sequence[str]) -> dict[str, str]:
    pairs = (override.lstrip("+").partition("=") for override in overrides)
    return {key: value for key, equals, value in pairs if equals}


class _File:
    """One configuration, as text and as yaml's tree of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        self.entries: list[Entry] = root.value if isinstance(root, yaml.MappingNode) else []
        top = 0
        while top < len(self.lines) and self.lines[top].startswith("#"):
            top += 1
        self.package = next((line.split()[-1] for line in self.lines[:top] if "@package" in line), None)
        self.top = top

    @property
    def heading(self) -> list[str]:
        return [line[1:].strip() for line in self.lines[: self.top] if "@package" not in line]

    def defaults(self) -> list[tuple[str, str]]:
        """(group, option) of each entry; of another file of the same folder, and of _self_, ("", name)."""
        listed: list[yaml.Node] = next(
            (value.value for key, value in self.entries if key.value == "defaults"), []
        )
        found = [
            (entry.value[0][0].value, entry.value[0][1].value)
            if isinstance(entry, yaml.MappingNode)
            else ("", entry.value)
            for entry in listed
        ]
        return [entry for entry in found if not entry[0].startswith("override ")]

    def settings(self) -> Iterator[tuple[str, Setting]]:
        """Its own values, with their dotted keys; none of Hydra."""
        for key, value in self.entries:
            if key.value not in ("defaults", "hydra"):
                yield from self._below(key, value, "")

    def _below(self, key: yaml.Node, value: yaml.Node, prefix: str) -> Iterator[tuple[str, Setting]]:
        if isinstance(value, yaml.MappingNode) and value.value:
            for below, inside in value.value:
                yield from self._below(below, inside, f"{prefix}{key.value}.")
        else:
            yield f"{prefix}{key.value}", Setting(self._written(value), self._meaning(key, value))

    def _written(self, value: yaml.Node) -> str:
        text = self.text[value.start_mark.index : value.end_mark.index]
        return "..." if _is_block(value) else text

    def _meaning(self, key: yaml.Node, value: yaml.Node) -> str:
        """The comment behind a value, else the lines of comment above it."""
        end = key.end_mark if _is_block(value) else value.end_mark
        behind = re.match(r":?\s*#\s*(.*)", self.lines[end.line][end.column :])
        if behind:
            return behind[1]
        first = last = key.start_mark.line
        while first > self.top and self.lines[first - 1].lstrip().startswith("#"):
            first -= 1
        return " ".join(line.strip().lstrip("# ") for line in self.lines[first:last])


def _is_block(value: yaml.Node) -> bool:
    """Whether it is written on lines of its own, so that its end is no place in the line of its key."""
    if isinstance(value, yaml.ScalarNode):
        return value.style in ("|", ">")
    return not value.flow_style


def _choices(file: _File, chosen: Mapping[str, str]) -> Iterator[Choice]:
    for key, written in file.defaults():
        if key:
            group, _, package = key.partition("@")
            option = chosen.get(key, written)
            taken = None if option in ("???", "null") else option
            yield Choice(group, package or group, taken, mandatory=option == "???")


def _settings(path: Path, prefix: str, chosen: Mapping[str, str]) -> Iterator[tuple[str, Setting]]:
    """In the order in which Hydra merges them: of a key that comes twice the later counts."""
    if not path.is_file():  # an option of a folder of the user's own
        return
    file = _File(path)
    prefix = "" if file.package == "_global_" else prefix
    groups = iter(_choices(file, chosen))
    for group, name in [*file.defaults(), *([] if ("", "_self_") in file.defaults() else [("", "_self_")])]:
        if group:
            choice = next(groups)
            below = Path(CONFIGS) / choice.group / f"{choice.option}.yaml"
            yield from _settings(below, f"{choice.package}.", chosen)
        elif name == "_self_":
            yield from ((f"{prefix}{key}", setting) for key, setting in file.settings())
        else:
            other, _, package = name.partition("@")
            inside = f"{prefix}{package}." if package else prefix
            yield from _settings(path.parent / f"{other}.yaml", inside, chosen)
