"""Write the synthetic thermal set: python scripts/synth.py root=data/synthetic seed=0."""

from detector.app.synth import main

if __name__ == "__main__":
    main()
