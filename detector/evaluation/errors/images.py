"""A pool's detections and truths image by image, all classes together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pycocotools import mask

from detector.evaluation.matching import Pool


@dataclass(frozen=True, eq=False)
class ImageView:
    """One image: indices into the pool's arrays, and what overlaps what.

    found [D]: best first, equals in the order of their file. truths [N]: those that count, as annotated.
    regions [M]: those to ignore, one for each class where they have none.
    overlap [D, N]: IoU. inside [D, M]: the share of the detection that lies in the region.
    """

    found: np.ndarray
    truths: np.ndarray
    regions: np.ndarray
    overlap: np.ndarray
    inside: np.ndarray


def each_image(
    pool: Pool, *, confidence: float = 0.0, max_detections: int | None = None
) -> Iterator[ImageView]:
    """Each image in the order of the records, with its best detections of at least this score."""
    found, truths = pool.found, pool.truths
    order = np.lexsort((found.entries, -found.scores, found.images))
    order = order[found.scores[order] >= confidence]
    place = np.lexsort((truths.labels, truths.rows, truths.images))
    counted, regions = place[~truths.crowd[place]], place[truths.crowd[place]]
    bounds = np.arange(pool.images + 1)
    cuts = [
        np.searchsorted(images, bounds)
        for images in (found.images[order], truths.images[counted], truths.images[regions])
    ]
    for image in range(pool.images):
        f, n, m = (slice(cut[image], cut[image + 1]) for cut in cuts)
        yield _view(pool, order[f][:max_detections], counted[n], regions[m])


def greedy(overlap: np.ndarray, preferred: np.ndarray, *, min_overlap: float) -> np.ndarray:
    """[D] the column that each row of overlap [D, N] gets, or -1.

    Rows choose in turn: of the free columns that reach `min_overlap` (above 0) the one of greatest overlap;
    of equals a preferred one ([D, N] bool) first, then the leftmost.
    """
    match = np.full(len(overlap), -1)
    rows, columns = np.nonzero(overlap >= min_overlap)
    order = np.lexsort((columns, ~preferred[rows, columns], -overlap[rows, columns], rows))
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if match[row] < 0 and column not in taken:
            match[row] = column
            taken.add(column)
    return match


def _view(pool: Pool, found: np.ndarray, truths: np.ndarray, regions: np.ndarray) -> ImageView:
    return ImageView(
        found=found,
        truths=truths,
        regions=regions,
        overlap=_overlaps(pool.found.boxes[found], pool.truths.boxes[truths], crowd=False),
        inside=_overlaps(pool.found.boxes[found], pool.truths.boxes[regions], crowd=True),
    )


def _overlaps(boxes: np.ndarray, others: np.ndarray, *, crowd: bool) -> np.ndarray:
    """pycocotools' own, as everything else here measures with; it gives no table where a side is empty."""
    if len(boxes) == 0 or len(others) == 0:
        return np.zeros((len(boxes), len(others)))
    return mask.iou(boxes, others, np.full(len(others), crowd, dtype=np.uint8))
