"""`python -m detector` is `thermal-detector`."""

from detector.app.cli import main

if __name__ == "__main__":
    main()
