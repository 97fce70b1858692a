"""Compare the looks of thermal sets: python scripts/compare_frames.py REAL_ROOT data/synthetic."""

from detector.app.compare_frames import main

if __name__ == "__main__":
    main()
