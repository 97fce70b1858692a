"""`thermal-detector compare_suppression`."""

from detector.app.cli import main

if __name__ == "__main__":
    main("compare_suppression")
