"""Judge a checkpoint on a split: python scripts/evaluate.py checkpoint=PATH data.split=val."""

from detector.app.cli import command
from detector.app.commands.evaluate import run

main = command("evaluate")(run)

if __name__ == "__main__":
    main()
