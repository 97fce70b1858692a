"""Write the page of a run: python scripts/report.py run=runs/NAME."""

from detector.app.cli import command
from detector.app.commands.report import run

main = command("report")(run)

if __name__ == "__main__":
    main()
