"""`thermal-detector benchmark`."""

from detector.app.cli import main

if __name__ == "__main__":
    main("benchmark")
