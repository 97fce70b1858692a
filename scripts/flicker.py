"""Measure how much each gain makes a recording flicker: python scripts/flicker.py source=recording.cptv."""

from detector.app.cli import command
from detector.app.commands.flicker import run

main = command("flicker")(run)

if __name__ == "__main__":
    main()
