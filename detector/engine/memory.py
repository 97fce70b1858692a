"""What the C library does with memory that a step has freed."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_LARGEST_THRESHOLD = 2**25
"""Bytes from which a block may be one of the kernel's own; the highest that all versions of glibc take."""


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks for the next step; does nothing where there is another C library.

    By default it hands large ones back to the kernel, which fills every page with zeros when the next step
    asks for the same again: about a tenth of a training step of a small network on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
