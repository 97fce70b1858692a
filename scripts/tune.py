"""Tune parameters by cross-validation: python scripts/tune.py tune=bce_focal."""

from detector.app.cli import command
from detector.app.commands.tune import run

if __name__ == "__main__":
    command("tune")(run)()
