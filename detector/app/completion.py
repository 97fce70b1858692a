"""Completion in the shell: commands, groups, their options, and the keys of settings."""

from __future__ import annotations

from collections.abc import Iterable

from detector.app import configs
from detector.app.commands import ALIASES, COMMANDS, PROGRAM
from detector.errors import UserError

ASK = "--complete"
"""What the shell's function calls the program with, before the line as far as it is typed."""
FLAGS = ("--help", "--cfg", "--multirun", "--config-dir", "--info")
SCRIPT = f"""_{PROGRAM.replace("-", "_")}() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" IFS=$'\\n'
    COMPREPLY=($("${{COMP_WORDS[0]}}" {ASK} "$line" 2>/dev/null))
    [[ $COMPREPLY == *[=.] ]] && compopt -o nospace 2>/dev/null
    # bash puts the answer behind the last = or : of the word, where these break words.
    local word="${{line##* }}"
    if [[ $COMP_WORDBREAKS == *=* ]]; then COMPREPLY=("${{COMPREPLY[@]#"${{word%"${{word##*[=:]}}"}}"}}"); fi
}}
complete -o default -F _{PROGRAM.replace("-", "_")} {PROGRAM}"""


def script(shell: str = "bash") -> str:
    """What the shell must read for completion: eval "$(thermal-detector --completion bash)"."""
    if shell == "zsh":
        return f"autoload -U +X bashcompinit && bashcompinit\n{SCRIPT}"
    if shell != "bash":
        raise UserError(f"--completion {shell}: must be bash or zsh")
    return SCRIPT


def candidates(line: str = "") -> list[str]:
    """What the last word of a line may become, as whole words; a key ends at the next dot."""
    *words, last = line.split(" ")[1:] or [""]
    words = [word for word in words if word]
    if not words:
        return _matching(last, [*COMMANDS, *ALIASES, "--help", "--completion"])
    name = ALIASES.get(words[0], words[0])
    if name not in COMMANDS:
        return []
    if last.startswith("-"):
        return _matching(last, FLAGS)
    key, equals, _ = last.partition("=")
    if equals:
        return _matching(last, (f"{key}={value}" for value in _values(name, key, words)))
    keys = [f"{choice.key}=" for choice in configs.choices(name)]
    dots = last.count(".")
    for setting in configs.settings(name, words[1:]):
        parts = setting.split(".")
        ended = len(parts) == dots + 1
        keys.append(".".join(parts[: dots + 1]) + ("=" if ended else "."))
    return _matching(last, keys)


def _values(name: str, key: str, words: list[str]) -> list[str]:
    group, _, package = key.partition("@")
    if any(choice.group == group for choice in configs.choices(name)) and (package or "." not in key):
        return configs.options(group)
    setting = configs.settings(name, words[1:]).get(key)
    if setting is None or setting.value in ("null", "???"):
        return []
    return ["true", "false"] if setting.value in ("true", "false") else [setting.value]


def _matching(start: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(start)})
