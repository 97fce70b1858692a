"""Find objects in pictures, folders and recordings: python scripts/predict.py checkpoint=... source=..."""

from detector.app.command import command
from detector.app.predict import run

if __name__ == "__main__":
    command("predict")(run)()
