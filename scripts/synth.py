"""Write the synthetic thermal set: python scripts/synth.py root=data/synthetic seed=0."""

from detector.app.command import command
from detector.app.synth import run

main = command("synth")(run)

if __name__ == "__main__":
    main()
