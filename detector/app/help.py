"""What --help says, read from the table of commands and from the comments of the configurations."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from detector.app import configs
from detector.app.commands import ALIASES, COMMANDS, PROGRAM

WIDTH = 118


def program() -> str:
    """Every command with one line."""
    also = {name: f", {alias}" for alias, name in ALIASES.items()}
    return "\n".join(
        (
            f"{PROGRAM} COMMAND KEY=VALUE ...: small detectors for low-resolution thermal cameras",
            "",
            *_table((name + also.get(name, ""), known.says) for name, known in COMMANDS.items()),
            "",
            f"{PROGRAM} COMMAND --help   what a command takes",
            f"{PROGRAM} --completion bash   a script that completes commands, groups and settings: "
            f'eval "$({PROGRAM} --completion bash)"',
        )
    )


def command(name: str, words: Sequence[str]) -> str:
    """What a command does, and what it takes; with the defaults that words such as model=small choose."""
    says, used = heading(name)
    return "\n".join(
        (
            f"{PROGRAM} {name}: {COMMANDS[name].says}",
            *says,
            "",
            *(f"  {line}" for line in used),
            *_section("groups, GROUP=OPTION; * is taken where nothing is said:", _groups(name, words)),
            *_section(
                "settings, KEY=VALUE, with what they are where nothing is said:", _settings(name, words)
            ),
            "",
            "more: --cfg job shows every setting and runs nothing; --multirun tries all of KEY=A,B,...",
        )
    )


def heading(name: str) -> tuple[list[str], list[str]]:
    """What the file of a command says at its top, and how it is used."""
    lines = configs.heading(name)
    used = [line for line in lines if line.startswith(PROGRAM)]
    return [line for line in lines if line not in used], used


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _groups(name: str, words: Sequence[str]) -> list[str]:
    """A line for each option of each group that leaves a choice."""
    found = configs.choices(name, words)
    rows = []
    for group in dict.fromkeys(choice.group for choice in found):
        taken = [choice for choice in found if choice.group == group]
        label = taken[0].key if len(taken) == 1 else f"{group}@{taken[0].package.rpartition('.')[0]}.NAME"
        options = configs.options(group)
        if len(options) == 1 and taken[0].option is not None:
            continue
        for number, option in enumerate(options):
            star = "*" if option in {choice.option for choice in taken} else " "
            rows.append(
                (label if number == 0 else "", f"{star} {option}", configs.summary(f"{group}/{option}"))
            )
    return _table(rows)


def _settings(name: str, words: Sequence[str]) -> list[str]:
    known = configs.settings(name, words)
    keys = COMMANDS[name].settings or [key for key in configs.own_settings(name) if key in known]
    rows = []
    for key in (key for key in keys if key in known):
        value, meaning = known[key].value.replace(", ", ","), known[key].meaning
        if value == "???":
            value, meaning = "...", f"must be given: {meaning}"
        rows.append((f"{key}={value}", meaning))
    return _table(rows, whole=True)


def _table(rows: Iterable[Sequence[str]], *, whole: bool = False) -> list[str]:
    """Rows of cells as lines of columns; a long last one is cut, or where `whole` goes on below itself."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        *cells, last = row
        start = "  " + "".join(f"{cell:{width + 2}}" for cell, width in zip(cells, widths, strict=False))
        width = WIDTH - len(start)
        first, *more = (textwrap.wrap(last, width) or [""]) if whole else [_cut(last, width)]
        lines += [(start + first).rstrip(), *(" " * len(start) + rest for rest in more)]
    return lines


def _cut(text: str, width: int) -> str:
    """As much of it as fits, up to the end of a clause where that is not much less."""
    if len(text) <= width:
        return text
    ends = [end.start() for end in re.finditer(r"[.:;,] ", text[:width])]
    whole = [end for end in ends if 2 * end > width and text[:end].count("(") == text[:end].count(")")]
    return text[: whole[-1]] if whole else textwrap.shorten(text, width, placeholder=" ...")
