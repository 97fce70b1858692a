"""The reference of the commands: a page each, made of the comments in configs/, as --help is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from detector.app import configs, help
from detector.app.commands import ALIASES, COMMANDS, PROGRAM

Settings = Mapping[str, configs.Setting]


def write(folder: Path) -> None:
    """index.md and COMMAND.md, in a new folder."""
    folder.mkdir()
    (folder / "index.md").write_text(_index(), encoding="utf-8")
    for name in COMMANDS:
        (folder / f"{name}.md").write_text(page(name), encoding="utf-8")


def page(name: str) -> str:
    """What a command does, how it is used, and all that can be set."""
    sentences, used = help.heading(name)
    known = configs.settings(name)
    groups = {choice.package: choice for choice in configs.choices(name)}
    own = {key: known[key] for key in known if not _package(key, groups)}
    most = {key: known[key] for key in COMMANDS[name].settings}
    lines = [f"# {name}", "", f"{_sentence(COMMANDS[name].says)} {_text(' '.join(sentences))}".strip(), ""]
    lines += ["```", *used, "```", ""]
    if most:
        lines += ["## Most used", "", *_settings(most)]
        own = {key: setting for key, setting in own.items() if key not in most}
    if own:
        lines += ["## Settings" if not most else "## Others of its own", "", *_settings(own)]
    for package, choice in groups.items():
        inside = {key: known[key] for key in known if _package(key, groups) == package}
        lines += [f"## {choice.key}", "", *_options(choice)]
        if inside:
            lines += [f"With `{choice.key}={choice.option}`:", "", *_settings(inside)]
    return "\n".join(lines)


def _index() -> str:
    also = {name: f", `{alias}`" for alias, name in ALIASES.items()}
    return "\n".join(
        (
            "# Commands",
            "",
            f"`{PROGRAM} COMMAND KEY=VALUE ...`; in a checkout `python scripts/COMMAND.py` is the same.",
            "",
            *_table(
                ("command", "what it does"),
                (
                    (f"[`{name}`]({name}.md){also.get(name, '')}", _text(known.says))
                    for name, known in COMMANDS.items()
                ),
            ),
            f"`{PROGRAM} COMMAND --help` says the same on the terminal, with the defaults of what is",
            f"chosen there, as in `{PROGRAM} train model=small --help`. `--cfg job` shows every setting and",
            "runs nothing; `--multirun` tries all of `KEY=A,B`. These pages are made from the comments in",
            "`configs/`.",
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *COMMANDS,
            "```",
            "",
        )
    )


def _package(key: str, groups: Iterable[str]) -> str:
    """The group that a setting belongs to; nothing for one of the command itself."""
    return next((package for package in groups if key.startswith(f"{package}.")), "")


def _options(choice: configs.Choice) -> list[str]:
    rows = []
    for option in configs.options(choice.group):
        name = f"{choice.group}/{option}"
        says = " ".join(configs.heading(name)) or configs.summary(name)
        rows.append((f"`{option}`" + (", the default" if option == choice.option else ""), _text(says)))
    return _table(("option", "what it is"), rows)


def _settings(settings: Settings) -> list[str]:
    rows = []
    for key, setting in settings.items():
        value = ", must be given" if setting.value == "???" else f" = {_code(setting.value)}"
        rows.append((f"`{key}`{value}", _text(setting.meaning)))
    return ["{.settings}", *_table(("key and default", "what it says"), rows)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines] + [""]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _code(value: str) -> str:
    return f"`{value}`".replace("|", r"\|")


def _text(plain: str) -> str:
    """A comment as Markdown: nothing in it is markup, and a page of docs/ that it names is a link."""
    escaped = re.sub(r"[\\*_<>\[\]|{}$#]", r"\\\g<0>", plain)
    return re.sub(r"docs/([\w-]+)\.md", r"[docs/\1.md](../docs/\1.md)", escaped)
