"""`thermal-detector watch`."""

from detector.app.cli import main

if __name__ == "__main__":
    main("watch")
