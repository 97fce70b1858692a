"""Leak-free splits by recording: python scripts/split.py data=hit_uav data.root=PATH output=DIR folds=5."""

from detector.app.cli import command
from detector.app.commands.split import run

main = command("split")(run)

if __name__ == "__main__":
    main()
