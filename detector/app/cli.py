"""The program: `thermal-detector COMMAND KEY=VALUE ...`.

Nothing slow is imported here, so that help, completion and mistakes cost no more than they must.
"""

from __future__ import annotations

import sys

from detector.app import commands, completion, help
from detector.app.ending import one_line

HELP = ("--help", "-h")


def main(name: str | None = None) -> None:
    """Run the command that the command line names, or `name` with all that the command line says."""
    with one_line():
        words = sys.argv[1:] if name is None else [name, *sys.argv[1:]]
        if not words or words[0] in HELP:
            print(help.program(), flush=True)
        elif words[0] == "--completion":
            print(completion.script(*words[1:2]), flush=True)
        elif words[0] == completion.ASK:
            print("\n".join(completion.candidates(*words[1:2])), flush=True)
        else:
            _command(commands.find(words[0]), words[1:])


def _command(name: str, words: list[str]) -> None:
    if any(word in HELP for word in words):
        print(help.command(name, words), flush=True)
        return
    # Only now: it loads Hydra.
    from detector.app.start import start

    start(name, words)
