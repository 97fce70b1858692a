"""Which detection found which truth: COCO's greedy matching, for the whole split at once.

Within one image and class the best detection chooses first, and takes the truth it overlaps most among those
still free and overlapped by the threshold at least. A truth that does not count (ignored) is taken only where
no counted one is left, and the detection then counts neither for nor against. A crowd is ignored, measures
overlap as the share of the detection inside it, and may be taken any number of times. Equal to pycocotools'
`evaluateImg` match for match, ties included.

Letters: T thresholds, D detections, N truths, E edges: a detection and a truth of its image and class that
overlap enough to be matched at the lowest threshold.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pycocotools import mask

from detector.data.annotations import Annotations, xywh
from detector.evaluation.predictions import Entries, Entry
from detector.structures import IGNORE_LABEL

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's IoU thresholds."""

MAX_DETECTIONS = 100
"""Of one image and class that count, as in COCO; the worse ones are left out."""

# pycocotools: an overlap of 1 spoilt by rounding still reaches a threshold of 1.
_HIGHEST = 1 - 1e-10


@dataclass(frozen=True, eq=False)
class Truths:
    """Truths in flat arrays, by class, then image id, then as annotated.

    boxes [N, 4] float64 x, y, w, h. labels [N]. images [N]: index into Annotations.records.
    rows [N]: index into that record's boxes. crowd [N] bool: a region to ignore.
    A region without a class stands once in every class.
    """

    boxes: np.ndarray
    labels: np.ndarray
    images: np.ndarray
    rows: np.ndarray
    crowd: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """[N] square pixels."""
        return self.boxes[:, 2] * self.boxes[:, 3]


@dataclass(frozen=True, eq=False)
class Found:
    """Detections in flat arrays, by class, then image id, then best first; equals in their given order.

    boxes [D, 4] float64 x, y, w, h. scores [D] float64. labels [D]. images [D]: index into
    Annotations.records. entries [D]: index into the predictions they came from.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    images: np.ndarray
    entries: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """[D] square pixels."""
        return self.boxes[:, 2] * self.boxes[:, 3]

    def reach(self, limits: np.ndarray) -> np.ndarray:
        """[D] bool: whether each scores what its class must, limits [K].

        As float32, which scores are: a threshold is often the score of a detection, which then counts.
        """
        return self.scores.astype(np.float32) >= limits.astype(np.float32)[self.labels]


@dataclass(frozen=True, eq=False)
class Edges:
    """Detections and truths of one image and class that overlap: detection [E], truth [E], overlap [E].

    turn [E]: how many of the image and class with edges choose before this detection.
    """

    detection: np.ndarray
    truth: np.ndarray
    overlap: np.ndarray
    turn: np.ndarray


@dataclass(frozen=True, eq=False)
class Pool:
    """A split ready to be matched, as often as needed. classes, images: how many there are."""

    truths: Truths
    found: Found
    edges: Edges
    classes: int
    images: int

    @cached_property
    def best_first(self) -> np.ndarray:
        """[D] the detections of each class by falling score; equals in the order of the images."""
        bounds = self.bounds.tolist()
        orders = [
            start + np.argsort(-self.found.scores[start:stop], kind="stable")
            for start, stop in itertools.pairwise(bounds)
        ]
        return np.concatenate([*orders, np.zeros(0, np.int64)]).astype(np.int64)

    @cached_property
    def places(self) -> np.ndarray:
        """[D] where each detection stands in `best_first`."""
        places = np.empty(len(self.best_first), np.int64)
        places[self.best_first] = np.arange(len(places))
        return places

    @property
    def bounds(self) -> np.ndarray:
        """[K + 1] where each class's detections begin, and where the last ones end."""
        return np.searchsorted(self.found.labels, np.arange(self.classes + 1))


@dataclass(frozen=True, eq=False)
class Matches:
    """truth [T, D] int32: the truth each detection found, -1 for none. ignored [T, D] bool: found one that
    does not count."""

    truth: np.ndarray
    ignored: np.ndarray


def pool(annotations: Annotations, predictions: Sequence[Entry], *, min_overlap: float = 0.5) -> Pool:
    """Truths and predictions (the entries of `predictions_json`) of a split in flat arrays.

    min_overlap: the lowest threshold that will be matched at, above 0.
    Raises KeyError for an entry whose image or category the annotations do not know.
    """
    truths, found = _truths(annotations), _found(annotations, predictions)
    return Pool(
        truths=truths,
        found=found,
        edges=_edges(truths, found, len(annotations.records), min_overlap),
        classes=len(annotations.classes),
        images=len(annotations.records),
    )


def match(
    pool: Pool, thresholds: Sequence[float] | np.ndarray = THRESHOLDS, *, ignored: np.ndarray | None = None
) -> Matches:
    """Matches at each threshold of overlap; none may be below the pool's `min_overlap`.

    ignored: [N] bool, truths that do not count, beside the crowds.
    """
    crowd = pool.truths.crowd
    ignored = crowd if ignored is None else ignored | crowd
    wanted = np.minimum(np.asarray(thresholds, dtype=np.float64), _HIGHEST)[:, None]
    truth = np.full((len(wanted), len(pool.found.scores)), -1, dtype=np.int32)
    uncounted = np.zeros(truth.shape, dtype=bool)
    taken = np.zeros((len(wanted), len(crowd)), dtype=bool)
    edges = pool.edges
    # Each detection's edges in the order of its preference; of equals COCO takes the last.
    order = np.lexsort((-edges.truth, -edges.overlap, ignored[edges.truth], edges.detection, edges.turn))
    for step in _runs(edges.turn[order]):
        chosen = order[step]
        detection, choice = edges.detection[chosen], edges.truth[chosen]
        free = (~taken[:, choice] | crowd[choice]) & (edges.overlap[chosen] >= wanted)
        first = np.flatnonzero(np.diff(detection, prepend=-1))
        count = len(chosen)
        best = np.minimum.reduceat(np.where(free, np.arange(count), count), first, axis=1)
        t, who = np.nonzero(best < count)
        what = choice[best[t, who]]
        truth[t, detection[first[who]]] = what
        uncounted[t, detection[first[who]]] = ignored[what]
        taken[t, what] = True
    return Matches(truth=truth, ignored=uncounted)


def keyed_runs(values: np.ndarray) -> Iterator[tuple[int, slice]]:
    """The stretches of equal neighbours in [n] whole numbers, each with its value."""
    for run in _runs(values):
        yield int(values[run.start]), run


def _truths(annotations: Annotations) -> Truths:
    table, everyone = annotations.table, np.arange(len(annotations.classes))
    classless = table.labels == IGNORE_LABEL
    # A region without a class is repeated for each, as in `coco_ground_truth`.
    which = np.repeat(np.arange(len(table.labels)), np.where(classless, len(everyone), 1))
    labels, images = table.labels[which], table.images[which]
    labels[classless[which]] = np.tile(everyone, classless.sum())
    order = np.lexsort((_rank_of_ids(annotations)[images], labels))
    which, images = which[order], images[order]
    return Truths(
        boxes=xywh(table.boxes[which]),
        labels=labels[order],
        images=images,
        rows=which - table.cuts[images],
        crowd=(table.ignored | classless)[which],
    )


def _found(annotations: Annotations, predictions: Sequence[Entry]) -> Found:
    entries = Entries.of(predictions)
    images = _places(entries.image_ids, annotations.table.image_ids)
    labels = _places(entries.category_ids, np.array(annotations.category_ids, np.int64))
    order = np.lexsort((-entries.scores, _rank_of_ids(annotations)[images], labels))
    group = labels[order] * len(annotations.records) + images[order]
    order = order[_position_in_run(group) < MAX_DETECTIONS]
    return Found(
        boxes=entries.boxes[order],
        scores=entries.scores[order],
        labels=labels[order],
        images=images[order],
        entries=order,
    )


def _edges(truths: Truths, found: Found, images: int, min_overlap: float) -> Edges:
    """Overlaps by pycocotools' own function: a difference in the last bit could turn a match."""
    groups = dict(keyed_runs(truths.labels * images + truths.images))
    detection, truth, overlap = [], [], []
    for key, run in keyed_runs(found.labels * images + found.images):
        if key not in groups:
            continue
        other = groups[key]
        table = mask.iou(found.boxes[run], truths.boxes[other], truths.crowd[other].astype(np.uint8))
        d, n = np.nonzero(table >= min(min_overlap, _HIGHEST))
        detection.append(d + run.start)
        truth.append(n + other.start)
        overlap.append(table[d, n])
    detections = _joined(detection, np.int64)
    chooser, of_edge = np.unique(detections, return_inverse=True)
    turn = _position_in_run(found.labels[chooser] * images + found.images[chooser])
    return Edges(
        detection=detections,
        truth=_joined(truth, np.int64),
        overlap=_joined(overlap, np.float64),
        turn=turn[of_edge],
    )


def _rank_of_ids(annotations: Annotations) -> np.ndarray:
    """[images] each image's place in the order of ids, which decides ties between images in pycocotools."""
    return np.argsort(np.argsort(annotations.table.image_ids))


def _places(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where in `known` each id stands; KeyError for one that does not."""
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, ids, sorter=order)
    found = order[place.clip(max=len(known) - 1)] if len(known) else place
    strange = np.ones(len(ids), bool) if not len(known) else known[found] != ids
    if strange.any():
        raise KeyError(int(ids[strange][0]))
    return found


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([*parts, np.zeros((0, *parts[0].shape[1:]) if parts else 0, dtype)]).astype(dtype)


def _runs(values: np.ndarray) -> Iterator[slice]:
    """The stretches of equal neighbours."""
    cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = [0, *cuts.tolist(), len(values)] if len(values) else []
    for start, stop in itertools.pairwise(bounds):
        yield slice(start, stop)


def _position_in_run(values: np.ndarray) -> np.ndarray:
    """[n] how many equal neighbours stand before each."""
    index = np.arange(len(values))
    starts = np.ones(len(values), dtype=bool)
    starts[1:] = values[1:] != values[:-1]
    return index - np.maximum.accumulate(np.where(starts, index, 0))
