"""Judge ways of suppression on one checkpoint: python scripts/compare_suppression.py checkpoint=PATH."""

from detector.app.cli import command
from detector.app.commands.compare_suppression import run

main = command("compare_suppression")(run)

if __name__ == "__main__":
    main()
