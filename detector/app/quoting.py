"""Paths on a command line, as the shell passed them on: Hydra would read some as numbers or mistakes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException

from detector.errors import UserError

PATHS = {
    *("source", "output", "checkpoint", "predictions", "record", "root", "run", "init", "resume"),
    *("data.root", "data.false_alarms", "data.beside.root", "hydra.run.dir"),
    *("study.hit_uav", "study.set", "study.weights", "tune.hit_uav", "tune.set"),
}
"""Settings that are a path, or a word that stands for one."""

WRITTEN = ("[", "{", '"', "'")
"""How a value begins that is written in Hydra's own way: a list, a group, or quoted."""


def quoted(words: Sequence[str]) -> list[str]:
    """The words, with the values of PATHS quoted where Hydra would read them otherwise than they stand.

    So source=2024, source=clip (1).mp4 and source=a,b.mp4 are files, and ~/clip.mp4 is one of the user's
    home. Lists, quoted values, null and interpolations pass, and so does everything else. UserError for an
    empty value: Path("") would be the working directory.
    """
    return [_quoted(word) for word in words]


def _quoted(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") not in PATHS or value == "null" or "${" in value:
        return word
    if not value.strip():
        raise UserError(f"{key}= is empty: give a path")
    if value.startswith(WRITTEN) and not os.path.exists(value):
        return word
    path = os.path.expanduser(value)
    if _read(f"{key}={path}") == path:
        return f"{key}={path}"
    # A quote is escaped, and so are backslashes before a quote or the end.
    inner = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), path)
    return f"{key}='{inner}'"


def _read(word: str) -> object:
    """The value that Hydra reads; None where it reads none."""
    try:
        (override,) = OverridesParser.create().parse_overrides([word])
    except OverrideParseException:
        return None
    return None if override.is_sweep_override() else override.value()
