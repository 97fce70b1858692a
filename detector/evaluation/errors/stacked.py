"""Several boxes on one object: what suppression could have taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.evaluation.errors.kinds import HIT, Mistakes
from detector.evaluation.matching import Pool

KINDS = ("same class", "another class", "nested")
"""same class, another class: the boxes overlap by IoU 0.5 or more. nested: one lies in the other."""

INSIDE = 0.7
"""Share of the smaller box that lies in the larger one from which both are on one object."""


@dataclass(frozen=True, eq=False)
class Stacked:
    """M wrong detections with a better box on their object.

    found, on [M]: indices into the pool's detections, of the wrong one and of the better one. kinds [M]:
    index into KINDS.
    """

    found: np.ndarray
    on: np.ndarray
    kinds: np.ndarray


def stacked(mistakes: Mistakes, *, limits: np.ndarray) -> Stacked:
    """Of the detections that score at least what their class must, limits [K].

    The better box is the one that found the object, else one of a higher score; of several the one that
    shares most of the smaller box.
    """
    found = mistakes.pool.found
    kept = found.reach(limits)[mistakes.found] & ~mistakes.ignored
    index, hit = mistakes.found[kept], mistakes.kinds[kept] == HIT
    bounds = np.searchsorted(found.images[index], np.arange(mistakes.pool.images + 1))
    rows = [
        _of_image(mistakes.pool, index[start:stop], hit[start:stop])
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    table = np.concatenate([*rows, np.zeros((0, 3), dtype=np.int64)])
    return Stacked(*table.T)


def _of_image(pool: Pool, index: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """[M, 3] found, on and kind, of one image's detections [D], best first; hit [D] bool."""
    wrong, labels = np.flatnonzero(~hit), pool.found.labels[index]
    inside, iou = _overlaps(pool.found.boxes[index[wrong]], pool.found.boxes[index])
    better = hit | (np.arange(len(index)) < wrong[:, None])
    shared = np.where(better & ((inside >= INSIDE) | (iou >= 0.5)), inside + 2 * hit, 0)
    rows = np.flatnonzero(shared.any(axis=1))
    on = shared[rows].argmax(axis=1) if len(rows) else rows
    other = labels[wrong[rows]] != labels[on]
    kinds = np.where(iou[rows, on] < 0.5, KINDS.index("nested"), other)
    return np.stack((index[wrong[rows]], index[on], kinds), axis=1).astype(np.int64)


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[M, D] share of the smaller box that lies in the other, and IoU, of boxes x, y, w, h."""
    start = np.maximum(boxes[:, None, :2], others[:, :2])
    stop = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], others[:, :2] + others[:, 2:])
    shared = (stop - start).clip(0).prod(axis=2)
    areas, other_areas = boxes[:, 2:].prod(axis=1)[:, None], others[:, 2:].prod(axis=1)
    least, union = np.minimum(areas, other_areas), areas + other_areas - shared
    return shared / np.maximum(least, 1e-9), shared / np.maximum(union, 1e-9)
