"""Metrics of a split whose images count any number of times, as a bootstrap's resamples need them.

Nothing is averaged over images: each value is that of the data set in which an image stands as often as it
was drawn, its copies one after the other in its place. The images are matched once. What is left for a
resample are weighted sums over the detections, best first, and of these only at those that found something:
the copies of one detection stand together, so COCO's interpolation reads the same at the last of them.
One thing is not as if copied: equal scores of one class in one image, each of whose copies stay together.

Letters: I images, S resamples, K classes, T IoU thresholds, U detections of a class that found something at
any threshold, J those that are hits at one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detector.evaluation.matching import Matches, Pool, match
from detector.evaluation.metrics.bins import RECALL_GRID, Bin, Bins
from detector.evaluation.metrics.overlap import (
    FALSE_PER_IMAGE,
    inside_regions,
    jaccard_by_image,
    overlap_bins,
    overlaps,
)
from detector.evaluation.metrics.sizes import size_bins

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LESS_IS_BETTER = ("MR-2",)
"""Of the metrics of `weighted_metrics`."""

_CELLS = 2**18
"""Of the tables [U, S] that are worked on at a time: they then stay near the processor."""
_COLUMNS = 16
"""At least, of such a table: a row of them is what the processor reads of the weights at once."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric in [0, 1] under S weightings of the images. NaN where there is no truth to measure it on.

    overall [S]: the mean over the classes that have truth. per_class [K, S].
    truths [K]: how many it is measured on, each image counted once.
    """

    overall: np.ndarray
    per_class: np.ndarray
    truths: np.ndarray


def weighted_metrics(pool: Pool, *, weights: np.ndarray, bins: Bins) -> dict[str, Metric]:
    """AP, AP50, AP75, MR-2, JI, AP of each bin ('AP overlap 0-0.1', 'AP size <6') under each weighting.

    weights: [I, S] whole numbers, how often each image counts.
    """
    weights = np.ascontiguousarray(weights, dtype=np.int32)
    everything = _everything(pool)
    ap = _average_precisions(pool, everything, weights)
    metrics = {
        "AP": ap.mean(axis=0),
        "AP50": ap[0],
        "AP75": ap[5],
        "MR-2": _miss_rates(pool, everything, weights),
        "JI": _jaccards(pool, everything, weights),
    }
    kinds = dict.fromkeys(metrics, everything)
    for title, divided in (
        ("overlap", overlap_bins(pool, overlaps(pool), bins.overlap)),
        ("size", size_bins(pool, bins.sizes)),
    ):
        for kind in divided:
            name = f"AP {title} {kind.name}"
            metrics[name], kinds[name] = _average_precisions(pool, kind, weights).mean(axis=0), kind
    return {name: _metric(pool, kinds[name], values) for name, values in metrics.items()}


def weighted_ap(pool: Pool, *, weights: np.ndarray) -> dict[str, Metric]:
    """AP and AP50 alone, as `weighted_metrics` has them, in a tenth of the time."""
    everything = _everything(pool)
    ap = _average_precisions(pool, everything, np.ascontiguousarray(weights, dtype=np.int32))
    values = {"AP": ap.mean(axis=0), "AP50": ap[0]}
    return {name: _metric(pool, everything, own) for name, own in values.items()}


def _everything(pool: Pool) -> Bin:
    return Bin(name="all", counted=~pool.truths.crowd)


def _metric(pool: Pool, kind: Bin, values: np.ndarray) -> Metric:
    measured = (~np.isnan(values)).sum(axis=0)
    total = np.nansum(values, axis=0)
    return Metric(
        overall=np.divide(total, measured, out=np.full(len(total), np.nan), where=measured > 0),
        per_class=values,
        truths=np.bincount(pool.truths.labels[kind.counted], minlength=pool.classes),
    )


def _average_precisions(pool: Pool, kind: Bin, weights: np.ndarray) -> np.ndarray:
    """AP of a bin [T, K, S]; NaN where a class has no truth there."""
    matches = match(pool, ignored=~kind.counted)
    truths = _truths(pool, kind.counted, weights)
    # A bin whose false positives count by its share of the truths has another share in each resample.
    every = truths if kind.false_weight is None else _truths(pool, ~pool.truths.crowd, weights)
    false_weight = truths / np.maximum(every, 1)
    ap = np.full((len(matches.truth), *truths.shape), np.nan)
    for label, some, curves in _each_class(pool, matches, kind, weights):
        for t, (hits, false) in enumerate(curves):
            weighed = false_weight[label, some] * false
            ap[t, label, some] = _average_precision(hits, weighed, truths[label, some])
    return ap


def _miss_rates(pool: Pool, kind: Bin, weights: np.ndarray) -> np.ndarray:
    """MR^-2 of a bin [K, S]; NaN where a class has no truth there."""
    truths, images = _truths(pool, kind.counted, weights), weights.sum(axis=0)
    rates = np.full(truths.shape, np.nan)
    for label, some, curves in _each_class(pool, match(pool, [0.5]), kind, weights):
        ((hits, false),) = curves
        rates[label, some] = _miss_rate(hits, false, truths[label, some], images=images[some])
    return rates


def _jaccards(pool: Pool, kind: Bin, weights: np.ndarray) -> np.ndarray:
    """JI of a bin [K, S]; NaN where a class has no truth there."""
    truths, hidden = _truths(pool, kind.counted, weights), inside_regions(pool)
    values = np.full(truths.shape, np.nan)
    for label in np.unique(pool.truths.labels[kind.counted]).tolist():
        by_image = jaccard_by_image(pool, label, hidden=hidden)
        seen = ~np.isnan(by_image)
        means = (np.nan_to_num(by_image) @ weights) / np.maximum(seen @ weights, 1)
        values[label] = np.where(truths[label] > 0, means.max(axis=0), np.nan)
    return values


def _truths(pool: Pool, counted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[K, S] how many of the counted truths ([N] bool) each class has."""
    labels, images = pool.truths.labels[counted], pool.truths.images[counted]
    return _table(labels, images, shape=(pool.classes, pool.images)) @ weights


Curves = Iterator[tuple[np.ndarray, np.ndarray]]
"""For each threshold the hits so far and the false positives so far, [J, S], at each hit, best first."""


def _each_class(
    pool: Pool, matches: Matches, kind: Bin, weights: np.ndarray
) -> Iterator[tuple[int, slice, Curves]]:
    """Each class with truth in the bin, and its curves under some of the weightings after the other."""
    for label in np.unique(pool.truths.labels[kind.counted]).tolist():
        finders = _finders(pool, matches, kind, label)
        step = max(_COLUMNS, _CELLS // max(1, len(finders.images)))
        for start in range(0, weights.shape[1], step):
            some = slice(start, start + step)
            yield label, some, finders.curves(np.ascontiguousarray(weights[:, some]))


@dataclass(frozen=True, eq=False)
class _Finders:
    """The detections of a class that found something at any threshold, best first, and what is between.

    images [U]. strays [U, I] sparse: how many detections stand in each image from the one before this one
    (excluded) to this one (included) that are false positives where they find nothing.
    hits, taken: of each threshold the places in [U] of those that found a truth that counts, and of those
    that are no false positives, for they found something.
    """

    images: np.ndarray
    strays: csr_matrix
    hits: list[np.ndarray]
    taken: list[np.ndarray]

    def curves(self, weights: np.ndarray) -> Curves:
        """Under weightings [I, S]."""
        drawn = weights[self.images]
        strays = np.cumsum(self.strays @ weights, axis=0, dtype=np.int32)
        for hits, taken in zip(self.hits, self.taken, strict=True):
            none_false = np.zeros((len(taken) + 1, weights.shape[1]), dtype=np.int32)
            np.cumsum(drawn[taken], axis=0, out=none_false[1:])
            so_far = np.searchsorted(taken, hits, side="right")
            yield np.cumsum(drawn[hits], axis=0, dtype=np.int32), strays[hits] - none_false[so_far]


def _finders(pool: Pool, matches: Matches, kind: Bin, label: int) -> _Finders:
    first, stop = pool.bounds[label : label + 2]
    order = pool.best_first[first:stop]
    images = pool.found.images[order]
    stray = np.ones(len(order), dtype=bool) if kind.left_out is None else ~kind.left_out[order]
    found = matches.truth[:, order] >= 0
    hits = found & ~matches.ignored[:, order]
    at = np.flatnonzero(found.any(axis=0))
    place = np.searchsorted(at, np.arange(len(order)))
    before = np.flatnonzero(stray & (place < len(at)))
    return _Finders(
        images=images[at],
        strays=_table(place[before], images[before], shape=(len(at), pool.images)),
        hits=[np.flatnonzero(row) for row in hits[:, at]],
        taken=[np.flatnonzero(row) for row in (found & stray)[:, at]],
    )


def _table(rows: np.ndarray, columns: np.ndarray, *, shape: tuple[int, int]) -> csr_matrix:
    """How often each pair of row and column occurs."""
    from scipy.sparse import csr_matrix  # half a second to load, and tables of a study want only names

    return csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape)


def _average_precision(hits: np.ndarray, false: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """[S] AP of `bins.precision_curve`, of [J, S] sums at each hit; NaN without truths ([S])."""
    precision = hits / (false + hits + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    # Each hit answers for the points of recall that no earlier one reached.
    recall = hits / np.maximum(truths, 1)
    nearest = (recall * (len(RECALL_GRID) - 1) + 0.5).astype(np.int32)
    reached = nearest + (RECALL_GRID[nearest] <= recall)
    points = np.diff(reached, axis=0, prepend=0)
    return np.where(truths > 0, (envelope * points).sum(axis=0) / len(RECALL_GRID), np.nan)


def _miss_rate(hits: np.ndarray, false: np.ndarray, truths: np.ndarray, *, images: np.ndarray) -> np.ndarray:
    """[S] MR^-2 of `overlap.miss_rate`, of [J, S] sums at each hit; NaN without truths."""
    found = np.concatenate((np.zeros((1, len(truths)), dtype=hits.dtype), hits))
    per_image = false / np.maximum(images, 1)
    # The detection with which a point is reached is a false one: what counts are the hits before it.
    before = np.stack([(per_image < point).sum(axis=0) for point in FALSE_PER_IMAGE])
    missed = 1 - np.take_along_axis(found, before, axis=0) / np.maximum(truths, 1)
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(missed).mean(axis=0))
    return np.where(truths > 0, mean, np.nan)
