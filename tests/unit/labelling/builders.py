"""Recordings of which every frame is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detector.structures import Frame


def scene(
    length: int, *, objects: dict[int, tuple[int, int]] | None = None, drift: float = 0.0
) -> np.ndarray:
    """[length, 64, 80] uint16: noise of 4 counts on a background of its own.

    objects: top and left of a warm square of 6 pixels, by frame. drift: counts a frame, of all pixels.
    """
    rng = np.random.default_rng(7)
    counts = 7000 + rng.normal(0, 30, (64, 80)) + rng.normal(0, 4, (length, 64, 80))
    counts += drift * np.arange(length)[:, None, None]
    for index, (top, left) in (objects or {}).items():
        counts[index, top : top + 6, left : left + 6] += 400
    return counts.round().astype(np.uint16)


def frames(counts: np.ndarray) -> Iterator[Frame]:
    """Of [N, H, W] counts."""
    for picture in counts:
        yield Frame(picture, 8 * picture.itemsize, "made")
