"""`thermal-detector convert` without the install."""

from detector.app.cli import main

if __name__ == "__main__":
    main("convert")
