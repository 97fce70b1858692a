"""Near hashes among hundreds of thousands, without a look at every pair.

Each of several tables has the hashes sorted by their bits in an order of its own, drawn by lot; near ones
share the first bits in some of them and then stand side by side (Charikar, STOC 2002). Time and memory grow
with the number of frames. What is found is near; of what is near some is missed: among 200,000 hashes drawn
by lot all pairs up to 12 bits apart were found, 98 of 100 at 16 bits, 91 at 20 and 76 at 24.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

TABLES = 24
REACH = 16
"""Neighbours to either side that are looked at in each table."""

_ROWS = 4096
_KEY = 64
_COUNTS = np.array([value.bit_count() for value in range(256)], np.uint8)


def nearest_sorted(
    hashes: np.ndarray, others: np.ndarray, *, most: int, within: bool, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """[N, most] indices of the nearest of `others` that were found, the nearest first, and their distances.

    hashes [N, B], others [M, B] uint8. within: both are the same list, and no hash is near itself. Where
    fewer were found -1, at a distance beyond all.
    """
    far = 8 * hashes.shape[1] + 1
    nearest = np.full((len(hashes), most), -1)
    distances = np.full((len(hashes), most), far, np.int16)
    for keys, other_keys in _keys(hashes, others, seed):
        order = np.argsort(other_keys, kind="stable")
        place = np.searchsorted(other_keys, keys, sorter=order)
        for start in range(0, len(hashes), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(hashes)))
            beside = place[rows, None] + np.arange(-REACH, REACH + within)
            found = order[beside.clip(0, len(others) - 1)]
            apart = _COUNTS[hashes[rows, None] ^ others[found]].sum(axis=-1, dtype=np.int16)
            wrong = (beside < 0) | (beside >= len(others)) | (within & (found == rows[:, None]))
            apart[wrong] = far
            nearest[rows], distances[rows] = _best(
                np.concatenate((nearest[rows], found), axis=1),
                np.concatenate((distances[rows], apart), axis=1),
                most,
                far,
            )
    nearest[distances >= far] = -1
    return nearest, distances


def _keys(hashes: np.ndarray, others: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each table the bits that come first, as numbers: of both lists."""
    rng = np.random.default_rng(seed)
    bits = [np.unpackbits(each, axis=1) for each in (hashes, others)]
    for _ in range(TABLES):
        chosen = rng.permutation(bits[0].shape[1])[:_KEY]
        packed = (np.packbits(each[:, chosen], axis=1) for each in bits)
        one, other = (np.ascontiguousarray(each).view(">u8").ravel() for each in packed)
        yield one, other


def _best(indices: np.ndarray, distances: np.ndarray, most: int, far: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the `most` nearest, each index once."""
    order = np.argsort(indices, axis=1, kind="stable")
    indices, distances = (np.take_along_axis(each, order, axis=1) for each in (indices, distances))
    distances[:, 1:][indices[:, 1:] == indices[:, :-1]] = far
    order = np.argsort(distances, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(distances, order, axis=1)
