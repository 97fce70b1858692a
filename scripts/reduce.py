"""A set in fewer pixels: python scripts/reduce.py data=hit_uav data.root=PATH output=DIR width=160."""

from detector.app.command import command
from detector.app.reduce import run

main = command("reduce")(run)

if __name__ == "__main__":
    main()
