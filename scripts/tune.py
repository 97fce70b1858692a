"""Tune parameters by cross-validation: python scripts/tune.py tune=bce_focal."""

from detector.app.command import command
from detector.app.tune import run

if __name__ == "__main__":
    command("tune")(run)()
