"""Perceptual hashes of thermal frames, and near pairs among many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from detector.doctor.sorted_hashes import nearest_sorted

SIDE = 8
BITS = 2 * SIDE * SIDE
MOST = 16
"""Near ones that are told of each frame."""
EXACT = 20_000**2
"""Pairs up to which every one is looked at, which takes seconds; of 200,000 frames there are a hundred times
as many."""
BLOCK = 1024
"""Frames compared at a time: a block of distances to 20,000 frames takes 80 MB."""


def dhash(counts: np.ndarray) -> bytes:
    """The BITS signs of brightness steps between neighbouring cells of a frame [H, W], as 16 bytes.

    One grid of cells is one wider than high for the steps to the right, one is higher for those down. Cell
    means are compared, so noise hardly matters, and any gain above zero or offset leaves the hash as it is: a
    thermal camera's own drift and gain hide no copy. After N. Krawetz's dHash (2013), which takes one
    direction only.
    """
    image = counts.astype(np.float32)
    right = cv2.resize(image, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    down = cv2.resize(image, (SIDE, SIDE + 1), interpolation=cv2.INTER_AREA)
    steps = np.concatenate(((right[:, 1:] > right[:, :-1]).ravel(), (down[1:] > down[:-1]).ravel()))
    return np.packbits(steps).tobytes()


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


@dataclass(frozen=True, eq=False)
class NearCopies:
    """For each of N frames: counts [N], how many others are near (MOST at most, of more than EXACT pairs);
    distances [N], the bits of the nearest one; nearest [N, MOST], the indices of the nearest ones, the first
    of all first, -1 where there are fewer.
    """

    counts: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray


def near_copies(hashes: list[bytes], others: list[bytes], *, bits: int) -> NearCopies:
    """Which of `others` are within `bits` of each hash; of more than EXACT pairs most of these."""
    if len(hashes) * len(others) > EXACT:
        return _sorted(hashes, others, bits=bits, within=False)
    return _collect(_blocks(hashes, others), len(hashes), bits)


def near_copies_within(hashes: list[bytes], *, bits: int) -> NearCopies:
    """As `near_copies` among one list; a frame is no copy of itself, and each pair counts for both."""

    if len(hashes) ** 2 > EXACT:
        return _sorted(hashes, hashes, bits=bits, within=True)

    def without_self() -> Iterator[tuple[int, np.ndarray]]:
        for start, block in _blocks(hashes, hashes):
            rows = np.arange(len(block))
            block[rows, start + rows] = BITS + 1
            yield start, block

    return _collect(without_self(), len(hashes), bits)


def _sorted(hashes: list[bytes], others: list[bytes], *, bits: int, within: bool) -> NearCopies:
    nearest, distances = nearest_sorted(_bytes(hashes), _bytes(others), most=MOST, within=within)
    near = distances <= bits
    return NearCopies(near.sum(axis=1), np.where(near, nearest, -1), distances[:, 0].astype(np.int64))


def _bytes(hashes: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)


def _blocks(hashes: list[bytes], others: list[bytes]) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, Hamming distances [rows, len(others)] float32) for BLOCK hashes after BLOCK."""
    if not hashes or not others:
        return
    columns = _signs(others).T
    for start in range(0, len(hashes), BLOCK):
        # Of vectors of -1 and 1 the product is BITS - 2 * distance, exact in float32, and BLAS is fast.
        distances = _signs(hashes[start : start + BLOCK]) @ columns
        distances -= BITS
        distances *= -0.5
        yield start, distances


def _signs(hashes: list[bytes]) -> np.ndarray:
    return np.unpackbits(_bytes(hashes), axis=1).astype(np.float32) * 2 - 1


def _collect(blocks: Iterator[tuple[int, np.ndarray]], count: int, bits: int) -> NearCopies:
    counts = np.zeros(count, np.int64)
    nearest = np.full((count, MOST), -1)
    distances = np.full(count, BITS + 1, np.int64)
    for start, block in blocks:
        rows = slice(start, start + len(block))
        counts[rows] = (block <= bits).sum(axis=1)
        distances[rows] = block.min(axis=1)
        few = min(MOST, block.shape[1])
        found = np.argpartition(block, few - 1, axis=1)[:, :few]
        own = np.take_along_axis(block, found, axis=1)
        order = np.argsort(own, axis=1, kind="stable")
        found, own = np.take_along_axis(found, order, axis=1), np.take_along_axis(own, order, axis=1)
        nearest[rows, :few] = np.where(own <= bits, found, -1)
    return NearCopies(counts, nearest, distances)
