"""`thermal-detector report`."""

from detector.app.cli import main

if __name__ == "__main__":
    main("report")
