"""Find objects in pictures, folders and recordings: python scripts/predict.py checkpoint=... source=..."""

from detector.app.cli import command
from detector.app.commands.predict import run

if __name__ == "__main__":
    command("predict")(run)()
