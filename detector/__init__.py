"""Train, judge and run small detectors for low-resolution thermal cameras."""

__version__ = "0.1.0"
