"""Compare settings over seeds: python scripts/experiment.py study=clutter."""

from detector.app.command import command
from detector.app.experiment import run

if __name__ == "__main__":
    command("study")(run)()
