"""Check a data set before training: python scripts/doctor.py data=hit_uav data.root=PATH."""

from detector.app.cli import command
from detector.app.commands.doctor import run

main = command("doctor")(run)

if __name__ == "__main__":
    main()
