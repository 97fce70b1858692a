"""The package's docstrings, which are plain text, as the markup that Sphinx reads."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence


def as_rst(lines: Sequence[str], thing: object) -> list[str]:
    """Sentences that begin with a parameter's name and a colon become fields, and the rest plain text."""
    names = _parameters(thing)
    found: list[str] = []
    field = False
    for line in lines:
        if _begins_list(line, found):
            found.append("")
        for name, words in _sentences(line, names):
            if name:
                found += [] if field else [""]
                found.append(f":param {name}: {_plain(words)}")
                field = True
            elif field and re.match(r"Raises |Returns ", words):
                found += ["", _plain(words)]
                field = False
            else:
                found.append(f"   {_plain(words)}" if field and words else _plain(words))
        field = field and bool(line.strip())
    return found


def _begins_list(line: str, before: Sequence[str]) -> bool:
    return bool(re.match(r"\s*- ", line) and before and re.match(r"\w", before[-1]))


def _sentences(line: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """The line in pieces, each with the parameter that it begins to describe, or with ""."""
    heads = "|".join([*(rf"{name}: " for name in names), "Raises ", "Returns "])
    pieces = re.split(rf"(?<=[.;] )(?={heads})", line)
    found = []
    for piece in pieces:
        name, colon, words = piece.partition(": ")
        found.append((name, words.strip()) if colon and name in names else ("", piece.rstrip()))
    return found


def _parameters(thing: object) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters) if callable(thing) else []
    except (TypeError, ValueError):  # built in, or without a signature
        return []


def _plain(text: str) -> str:
    """Stars, bars and trailing underscores are no markup outside of code; docs/PAGE.md leads there."""
    pieces = re.split(r"(`+[^`]*`+)", text)
    pieces[::2] = [re.sub(r"[*|\\]|_(?!\w)", r"\\\g<0>", piece) for piece in pieces[::2]]
    text = "".join(pieces)
    return re.sub(r"\bdocs/([\w-]+)\.md", r":doc:`docs/\1.md </docs/\1>`", text)
