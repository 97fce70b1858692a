"""Compare settings over seeds: python scripts/experiment.py study=clutter."""

from detector.app.cli import command
from detector.app.commands.study import run

if __name__ == "__main__":
    command("study")(run)()
