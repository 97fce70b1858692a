"""`thermal-detector replay`."""

from detector.app.cli import main

if __name__ == "__main__":
    main("replay")
