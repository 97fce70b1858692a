"""Which class is taken for which, with background as one more.

The detections from a score on choose in turn, best first, whatever their class: each takes the free truth
that it overlaps most, by `overlap` (IoU) at least; of equally overlapped ones a truth of its own class first,
then the first annotated. What it takes is a cell of the matrix. A detection that takes nothing is background
taken for its class; a truth that nothing takes is its class taken for background. A detection that takes
nothing and lies at least by `overlap` of its area in a region to ignore, whatever the classes of both, counts
nowhere.

So a better detection of another class can take a truth from one of the right class, which AP, class by class,
does not see: the diagonal may be below the hits behind precision and recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.errors.images import ImageView, each_image, greedy
from detector.evaluation.matching import Pool
from detector.evaluation.worst import MOST

BACKGROUND = "background"
OTHERS = "other classes"
"""Of which one taken for another is no longer told apart."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """names: K classes and background. matrix [K + 1, K + 1] int64: truth by row, prediction by column.

    The last row holds false positives of nothing, the last column truths that nothing took; their common
    cell is 0. confidence, overlap: what it was made with.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    confidence: float
    overlap: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json."""
        return {
            "least_score": self.confidence,
            "iou": self.overlap,
            "names": list(self.names),
            "matrix": self.matrix.tolist(),
        }


def most_confused(names: Sequence[str], matrix: np.ndarray, most: int = MOST) -> tuple[list[str], np.ndarray]:
    """Names and matrix, of `Confusion`, of the classes with most mistakes, the others put together as OTHERS.

    As they are where there are at most `most` classes.
    """
    count = len(names) - 1
    if count <= most:
        return list(names), matrix
    mistakes = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    chosen = np.sort(np.argsort(-mistakes[:-1], kind="stable")[:most])
    place = np.full(count + 1, most)
    place[chosen], place[-1] = np.arange(most), most + 1
    summed = np.zeros((most + 2, most + 2), matrix.dtype)
    np.add.at(summed, (place[:, None], place[None, :]), matrix)
    return [*(names[k] for k in chosen), OTHERS, names[-1]], summed


def confusion(pool: Pool, classes: tuple[str, ...], *, confidence: float, overlap: float = 0.5) -> Confusion:
    """The matrix at a threshold on the score, such as that of best F1. classes: K names in label order."""
    count = len(classes)
    matrix = np.zeros((count + 1, count + 1), dtype=np.int64)
    for view in each_image(pool, confidence=confidence):
        truth, predicted = _pairs(pool, view, overlap, nothing=count)
        np.add.at(matrix, (truth, predicted), 1)
    return Confusion((*classes, BACKGROUND), matrix, confidence, overlap)


def _pairs(pool: Pool, view: ImageView, overlap: float, *, nothing: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and predicted label of each cell to count; `nothing` is the label of background."""
    found, truths = pool.found.labels[view.found], pool.truths.labels[view.truths]
    match = greedy(view.overlap, found[:, None] == truths, min_overlap=overlap)
    taken = match[match >= 0]
    alone = (match < 0) & ~(view.inside >= overlap).any(axis=1)
    missed = np.delete(truths, taken)
    truth = np.concatenate((truths[taken], np.full(alone.sum(), nothing), missed))
    predicted = np.concatenate((found[match >= 0], found[alone], np.full(len(missed), nothing)))
    return truth, predicted
