"""Train a detector: python scripts/train.py data=hit_uav data.root=PATH model=small engine.epochs=40."""

from detector.app.cli import command
from detector.app.commands.train import run

main = command("train")(run)

if __name__ == "__main__":
    main()
