"""A set in fewer pixels: python scripts/reduce.py data=hit_uav data.root=PATH output=DIR width=160."""

from detector.app.cli import command
from detector.app.commands.downsample import run

main = command("reduce")(run)

if __name__ == "__main__":
    main()
