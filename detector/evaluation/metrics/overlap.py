"""How objects that overlap others are found: by overlap, and by CrowdHuman's MR^-2 and Jaccard index.

The overlap of a truth is its largest IoU with another truth of the image, of whatever class: an object behind
one of another class is hidden as much. Regions to ignore are no truths.

A false positive has no overlap. It counts in each bin for the bin's share of its class's truths, so in all of
them together for one. Were it to count whole in each, a bin's AP would fall with the number of its truths:
precision 0.5 becomes 0.09 where a tenth of them is found as well as the rest. With the share, bins that are
found alike have the same AP, that of all (the normalised precision of Hoiem et al., ECCV 2012).

MR^-2 and JI follow CrowdHuman (Shao et al. 2018, arXiv:1805.00123; JI: Chu et al. 2020, arXiv:2003.09163)
and the program that computes its numbers, for each class by itself and at IoU 0.5. They differ from it in
this: detections are matched as COCO does (an IoU of exactly 0.5 suffices, the best 100 of an image and class
count), and the 1e-6 that it adds to the denominator of JI is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask

from detector.evaluation.matching import Matches, Pool, keyed_runs
from detector.evaluation.metrics.bins import Bin, Value, bin_names

FALSE_PER_IMAGE = 10.0 ** np.linspace(-2, 0, 9)
"""Where MR^-2 reads the miss rate: false positives per image, evenly spaced in the logarithm."""

SCORES = np.arange(10) / 10
"""Thresholds that JI tries; a detection counts when its score is above."""


@dataclass(frozen=True, eq=False)
class Crowding:
    """Of each class, [K], NaN without truth. miss_rate: MR^-2, less is better. jaccard: JI. recall: the share
    found of truths in the crowd; crowd: how many those are."""

    miss_rate: np.ndarray
    jaccard: np.ndarray
    recall: np.ndarray
    crowd: np.ndarray

    def values(self, classes: slice = slice(None)) -> dict[str, Value]:
        """'MR-2', 'JI' and 'crowd_recall': the mean over those of the classes that have such truth."""
        found = {"MR-2": self.miss_rate, "JI": self.jaccard, "crowd_recall": self.recall}
        return {name: _mean(values[classes]) for name, values in found.items()}


def overlaps(pool: Pool) -> np.ndarray:
    """[N] float64 largest IoU of each truth with another of its image; 0 for regions to ignore."""
    truths = pool.truths
    largest = np.zeros(len(truths.crowd))
    real = np.flatnonzero(~truths.crowd)
    real = real[np.argsort(truths.images[real], kind="stable")]
    for _, run in keyed_runs(truths.images[real]):
        boxes = truths.boxes[real[run]]
        table = mask.iou(boxes, boxes, np.zeros(len(boxes), dtype=np.uint8))
        np.fill_diagonal(table, 0)
        largest[real[run]] = table.max(axis=1)
    return largest


def overlap_bins(pool: Pool, overlap: np.ndarray, edges: Sequence[float]) -> list[Bin]:
    """One more bin than edges, rising; an edge belongs to the bin below it. overlap: of `overlaps`."""
    place, truths = np.searchsorted(edges, overlap), pool.truths
    every = np.bincount(truths.labels[~truths.crowd], minlength=pool.classes)
    first = "0" if edges[0] == 0 else f"0-{edges[0]:g}"
    names = bin_names(edges, first=first, last=f">{edges[-1]:g}")
    bins = []
    for index, name in enumerate(names):
        counted = ~truths.crowd & (place == index)
        own = np.bincount(truths.labels[counted], minlength=pool.classes)
        bins.append(Bin(name=name, counted=counted, false_weight=own / np.maximum(every, 1)))
    return bins


def crowding(pool: Pool, matches: Matches, *, in_crowd: np.ndarray) -> Crowding:
    """matches: of the pool at the one threshold 0.5. in_crowd: [N] bool, truths of the crowd recall."""
    assert len(matches.truth) == 1
    truth, ignored = matches.truth[0], matches.ignored[0]
    hits = (truth >= 0) & ~ignored
    real, labels = ~pool.truths.crowd, pool.truths.labels
    was_found = np.zeros(len(labels), dtype=bool)
    was_found[truth[hits]] = True
    crowd = np.bincount(labels[real & in_crowd], minlength=pool.classes)
    caught = np.bincount(labels[real & in_crowd & was_found], minlength=pool.classes)
    truths = np.bincount(labels[real], minlength=pool.classes)
    miss_rates, jaccards = np.full(pool.classes, np.nan), np.full(pool.classes, np.nan)
    hidden = inside_regions(pool)
    bounds = pool.bounds
    for label in np.flatnonzero(truths):
        order = pool.best_first[bounds[label] : bounds[label + 1]]
        miss_rates[label] = miss_rate(
            hits[order], truth[order] < 0, truths=int(truths[label]), images=pool.images
        )
        jaccards[label] = jaccard(pool, int(label), hidden=hidden)
    recall = np.divide(caught, crowd, out=np.full(pool.classes, np.nan), where=crowd > 0)
    return Crowding(miss_rate=miss_rates, jaccard=jaccards, recall=recall, crowd=crowd)


def miss_rate(hits: np.ndarray, false: np.ndarray, *, truths: int, images: int) -> float:
    """Log-average miss rate, MR^-2: the geometric mean of the miss rates at FALSE_PER_IMAGE.

    Each is read at the first detection with which the false positives per image reach the point, or at the
    last detection. One miss rate of 0 makes the mean 0. Dollar et al., PAMI 2012, as CrowdHuman reads it.

    hits, false: [D] bool of detections, best first; neither: does not count. truths, images: above 0.
    """
    if len(hits) == 0:
        return 1.0
    missed = 1 - np.cumsum(hits) / truths
    reached = np.searchsorted(np.cumsum(false) / images, FALSE_PER_IMAGE)
    rates = missed[np.minimum(reached, len(hits) - 1)]
    return float(np.exp(np.log(rates).mean())) if rates.min() > 0 else 0.0


def jaccard(pool: Pool, label: int, *, hidden: np.ndarray) -> float:
    """Jaccard index of one class: the best over SCORES of the mean over images of `jaccard_by_image`; 0
    where no image has one."""
    by_image = jaccard_by_image(pool, label, hidden=hidden)
    means = [values[~np.isnan(values)].mean() for values in by_image if not np.isnan(values).all()]
    return float(max(means, default=0.0))


def jaccard_by_image(pool: Pool, label: int, *, hidden: np.ndarray) -> np.ndarray:
    """[SCORES, images] J of one class at each threshold on the score, NaN where an image has nothing.

    J = pairs / (detections + truths - pairs), with as many pairs as can be made of a detection and a truth
    whose IoU is 0.5 or more. A detection without a partner that lies by half in a region to ignore is left
    out; so is a `hidden` truth ([N] bool) without a partner, and an image where nothing is left.
    """
    truths, found, edges = pool.truths, pool.found, pool.edges
    chosen = (truths.labels[edges.truth] == label) & (edges.overlap >= 0.5)
    detection, truth = edges.detection[chosen], edges.truth[chosen]
    region = truths.crowd[truth]
    swallowed = np.zeros(len(found.scores), dtype=bool)
    swallowed[detection[region]] = True
    detection, truth = detection[~region], truth[~region]
    real = np.flatnonzero((truths.labels == label) & ~truths.crowd)
    by_image = np.full((len(SCORES), pool.images), np.nan)
    for values, score in zip(by_image, SCORES, strict=True):
        kept = np.flatnonzero((found.labels == label) & (found.scores > score))
        strong = found.scores[detection] > score
        paired_detections, paired_truths = _pairs(pool, detection[strong], truth[strong])
        false = kept[~paired_detections[kept] & ~swallowed[kept]]
        missed = real[~paired_truths[real] & ~hidden[real]]
        pairs = np.bincount(truths.images[paired_truths], minlength=pool.images)
        errors = np.bincount(found.images[false], minlength=pool.images)
        errors += np.bincount(truths.images[missed], minlength=pool.images)
        seen = pairs + errors > 0
        values[seen] = (pairs / np.maximum(pairs + errors, 1))[seen]
    return by_image


def inside_regions(pool: Pool) -> np.ndarray:
    """[N] bool: truths that lie by half or more in a region to ignore of their class."""
    truths = pool.truths
    inside = np.zeros(len(truths.crowd), dtype=bool)
    for _, run in keyed_runs(truths.labels * pool.images + truths.images):
        regions = truths.crowd[run]
        if regions.any():
            boxes = truths.boxes[run]
            share = mask.iou(boxes, boxes[regions], np.ones(regions.sum(), dtype=np.uint8))
            inside[run] = (share >= 0.5).any(axis=1)
    return inside


def _pairs(pool: Pool, detection: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[D] and [N] bool: what is paired when as many edges as possible are chosen that share no end."""
    # Scipy takes half a second to load: not for those who only read a report.
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    detections, truths = (
        np.zeros(len(pool.found.scores), dtype=bool),
        np.zeros(len(pool.truths.crowd), dtype=bool),
    )
    rows, row = np.unique(detection, return_inverse=True)
    columns, column = np.unique(truth, return_inverse=True)
    graph = csr_matrix((np.ones(len(row), dtype=np.int8), (row, column)), shape=(len(rows), len(columns)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    detections[rows[partner >= 0]] = True
    truths[columns[partner[partner >= 0]]] = True
    return detections, truths


def _mean(values: np.ndarray) -> Value:
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else None
