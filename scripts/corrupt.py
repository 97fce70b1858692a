"""Wrong labels on purpose: python scripts/corrupt.py data=hit_uav data.root=PATH output=DIR drop=0.1."""

from detector.app.cli import command
from detector.app.commands.corrupt import run

main = command("corrupt")(run)

if __name__ == "__main__":
    main()
