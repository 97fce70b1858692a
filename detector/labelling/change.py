"""Where the frames of a recording differ from what it shows most of the time.

One pass, a few thousand small tables in memory however long the recording is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from detector.structures import Frame

ROWS, COLUMNS = 16, 20
CELLS = 2 * ROWS * COLUMNS
"""Of a frame: the warmest and the coldest of each cell, so that a small object shows, warm or cold."""
CELL = 8
"""Pixels to a cell's side, of frames that were all brought to one size."""
AROUND = (4 * CELL + 1, 4 * CELL + 1)
"""Pixels over which a camera's shading is smooth."""
FULL = 255
"""A cell's change where it is certain."""
NOISE, CERTAIN = 5.0, 15.0
"""Deviations of a cell's noise: up to the first it counts as unchanged, from the second as changed."""
BLOCK = 1024
"""Frames that share a background: two minutes at 9 Hz, in which a scene hardly cools or warms."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What picking needs to know of the N frames of a recording.

    digests [N]: of the counts, so that a frame is known again whatever its file is called by then.
    busy [M]: indices, ascending, of the frames in which something changed. changes [M, CELLS] uint8: of
    those, how surely each cell is off the recording's background, 0 to FULL. start: the first frame's time.
    """

    digests: list[bytes]
    busy: np.ndarray
    changes: np.ndarray
    start: datetime | None

    def __len__(self) -> int:
        return len(self.digests)


def digest(counts: np.ndarray) -> bytes:
    """16 bytes that differ where counts, their type or the frame's shape do."""
    kind = f"{counts.dtype.str} {counts.shape}".encode()
    return hashlib.blake2b(np.ascontiguousarray(counts).tobytes(), digest_size=16, key=kind).digest()


def survey(frames: Iterable[Frame]) -> Survey:
    """Look at a recording once; raises whatever reading it raises."""
    digests: list[bytes] = []
    busy: list[np.ndarray] = []
    changes: list[np.ndarray] = []
    waiting: list[np.ndarray] = []
    start: datetime | None = None

    def look(count: int) -> None:
        found = change(np.stack(waiting[:count]))
        changed = np.flatnonzero(found.sum(axis=1, dtype=np.int64) >= FULL)
        busy.append(len(digests) - len(waiting) + changed)
        changes.append(found[changed])
        del waiting[:count]

    for frame in frames:
        if not digests:
            start = frame.time
        digests.append(digest(frame.counts))
        waiting.append(cells(frame.counts))
        if len(waiting) == 2 * BLOCK:  # so that the last block is no short one
            look(BLOCK)
    if waiting:
        look(len(waiting))
    empty = np.zeros((0, CELLS), np.uint8)
    indices = np.concatenate([*busy, []]).astype(np.int64)
    return Survey(digests, indices, np.concatenate([empty, *changes]), start)


def cells(counts: np.ndarray) -> np.ndarray:
    """[CELLS] float32: the most and the least, in each cell of a frame [H, W], over the mean around it.

    Frames of every size are made CELL pixels to a cell first. What is taken off is a camera's drift and
    shading, which are smooth: a Lepton's is larger than many an object in the first seconds.
    """
    size = (COLUMNS * CELL, ROWS * CELL)
    shrinks = counts.shape[1] > size[0]
    sized = cv2.resize(counts, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    image = sized.astype(np.float32)
    image = image - cv2.blur(image, AROUND)
    tiles = image.reshape(ROWS, CELL, COLUMNS, CELL).swapaxes(1, 2).reshape(ROWS * COLUMNS, CELL * CELL)
    return np.concatenate((tiles.max(axis=1), tiles.min(axis=1)))


def change(block: np.ndarray) -> np.ndarray:
    """[N, CELLS] uint8 of the cells of N frames that follow each other: how surely each is off its median.

    The noise of a cell is what it differs by from one frame to the next, half of the time.
    """
    away = np.abs(block - np.median(block, axis=0))
    steps = np.abs(np.diff(block, axis=0)) if len(block) > 1 else np.zeros_like(block)
    noise = np.maximum(1.4826 / np.sqrt(2) * np.median(steps, axis=0), 1.0)  # one count at least
    return (np.clip((away / noise - NOISE) / (CERTAIN - NOISE), 0, 1) * FULL).astype(np.uint8)
