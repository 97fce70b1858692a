"""Tell whether one run is better than another or lucky: python scripts/compare.py runs=[runs/A,runs/B]."""

from detector.app.cli import command
from detector.app.commands.compare import run

main = command("compare")(run)

if __name__ == "__main__":
    main()
