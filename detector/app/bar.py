"""The bar that shows how far a recording is, and lines above it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

from detector.thermal import io

T = TypeVar("T")


def bar(items: Iterable[T], recording: io.Recording) -> Iterable[T]:
    """The items, one for each frame of the recording."""
    return tqdm(items, desc=recording.name, total=recording.length, unit="frame", leave=False)


def tell(message: str) -> None:
    """A line on stderr, which does not break the bar."""
    tqdm.write(message, file=sys.stderr)
