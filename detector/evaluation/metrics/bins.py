"""AP and recall of the truths of one kind, by COCO's rule for its areas.

Truths of another kind are ignored: to find one counts neither for nor against. What finds nothing is a false
positive, of which a kind may leave some out (COCO does, by their area) or count each for less than one.

Letters: T IoU thresholds, R points of COCO's recall grid, K classes, D detections, N truths.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.errors import UserError
from detector.evaluation.matching import THRESHOLDS, Matches, Pool, match

Value = float | None
"""A metric in [0, 1]; None where there is no truth to measure it on."""

NAMES = ("AP", "AP50", "AR100", "R50")
"""Measured in each bin. R50: the share found at IoU 0.5 by the best 100 of an image and class."""

RECALL_GRID = np.linspace(0, 1, 101)
"""COCO's points of the recall axis."""


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Where the truths are divided.

    overlap: rising, in [0, 1): the largest IoU with another truth in each bin; a last bin has what is above.
    crowd_above: in [0, 1): a truth that overlaps another by more counts for the crowd recall.
    sizes: rising, in pixels of the frame: the bounds of the square root of a box's area.
    Raises UserError at construction for values out of range or order.
    """

    overlap: Sequence[float]
    crowd_above: float
    sizes: Sequence[float]

    def __post_init__(self) -> None:
        _check_rising("overlap", self.overlap)
        _check_rising("sizes", self.sizes)
        for value in (*self.overlap, self.crowd_above):
            if not 0 <= value < 1:
                raise UserError(f"evaluation.bins: an overlap of {value} must be at least 0 and below 1")
        if min(self.sizes) <= 0:
            raise UserError(f"evaluation.bins: a size of {min(self.sizes)} pixels must be above 0")


@dataclass(frozen=True, eq=False)
class Bin:
    """One kind of truth. counted: [N] bool, the truths of this kind, no crowd among them.

    left_out: [D] bool, detections that do not count in this bin when they find nothing; None: all count.
    false_weight: [K] what a false positive of each class counts in this bin; None: 1.
    """

    name: str
    counted: np.ndarray
    left_out: np.ndarray | None = None
    false_weight: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Tables:
    """precision [T, R, K]: interpolated as COCO does. recall [T, K]: the highest reached. -1: no truth.

    truths [K] int64: how many count. scores [T, R, K]: the lowest needed for that recall; 0 beyond.
    """

    precision: np.ndarray
    recall: np.ndarray
    truths: np.ndarray
    scores: np.ndarray

    def values(self, classes: slice = slice(None)) -> dict[str, Value]:
        """NAMES -> value, the mean over those of the classes that have truth."""
        precision, recall = self.precision[:, :, classes], self.recall[:, classes]
        return {
            "AP": mean_measured(precision),
            "AP50": mean_measured(precision[0]),
            "AR100": mean_measured(recall),
            "R50": mean_measured(recall[0]),
        }


def measure(pool: Pool, bins: Sequence[Bin]) -> dict[str, Tables]:
    """Each bin's tables by its name, at COCO's thresholds."""
    return {kind.name: tables(pool, match(pool, THRESHOLDS, ignored=~kind.counted), kind) for kind in bins}


def tables(pool: Pool, matches: Matches, kind: Bin) -> Tables:
    """What COCOeval.accumulate makes of matches at its thresholds, the first of them 0.5."""
    shape = (len(matches.truth), pool.classes)
    precision, recall = np.full((shape[0], len(RECALL_GRID), shape[1]), -1.0), np.full(shape, -1.0)
    scores = precision.copy()
    truths = np.bincount(pool.truths.labels[kind.counted], minlength=pool.classes)
    stray = np.ones(len(pool.found.scores), dtype=bool) if kind.left_out is None else ~kind.left_out
    weight = np.ones(pool.classes) if kind.false_weight is None else kind.false_weight
    bounds = pool.bounds
    for label in np.flatnonzero(truths):
        first, own = bounds[label], slice(bounds[label], bounds[label + 1])
        best_first = pool.best_first[own]
        strays = np.cumsum(stray[best_first])  # false positives so far, if none had found anything
        top = float(pool.found.scores[best_first[0]]) if len(best_first) else 0.0
        for t in range(shape[0]):
            # Few find anything: only they are put in order.
            found = first + np.flatnonzero(matches.truth[t, own] >= 0)
            found = found[np.argsort(pool.places[found])]
            hit = ~matches.ignored[t, found]
            false = (strays[pool.places[found] - first] - np.cumsum(stray[found]))[hit]
            count, scores_of_hits = int(truths[label]), pool.found.scores[found[hit]]
            precision[t, :, label], where = interpolated(
                false, truths=count, false_weight=float(weight[label])
            )
            recall[t, label] = len(false) / count
            scores[t, :, label] = np.append(scores_of_hits, 0.0)[where]
            scores[t, 0, label] = top  # a recall of 0 is reached with the first of all
    return Tables(precision=precision, recall=recall, truths=truths, scores=scores)


def precision_curve(
    hits: np.ndarray, false: np.ndarray, *, truths: int, false_weight: float = 1.0
) -> tuple[np.ndarray, float]:
    """Interpolated precision on RECALL_GRID, 0 beyond the recall reached, and that recall.

    hits, false: [D] bool of detections, best first; neither: does not count. truths: above 0.
    false_weight: what a false one counts.
    """
    precision, _ = interpolated(np.cumsum(false)[hits], truths=truths, false_weight=false_weight)
    return precision, int(hits.sum()) / truths


def interpolated(
    false: np.ndarray, *, truths: int, false_weight: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolated precision on RECALL_GRID, 0 beyond the recall reached, and which hit reaches each point.

    false: [J] false positives before each hit, best first.
    """
    number = np.arange(1, len(false) + 1, dtype=np.float64)
    # The addend is COCO's. Between hits precision only falls, so the hits are all that the maximum needs.
    precision = number / (false_weight * false + number + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    where = np.searchsorted(number / truths, RECALL_GRID)
    return np.append(envelope, 0.0)[where], where


def mean_measured(table: np.ndarray) -> Value:
    """Mean of the entries that have truth, as COCOeval.summarize takes it."""
    measured = table[table > -1]
    return float(measured.mean()) if measured.size else None


def format_bins(title: str, bins: dict[str, Tables]) -> str:
    """A plain-text table: a line for each bin, the mean over classes; a dash where there is no truth."""
    width = max(len(title), *(len(name) for name in bins))
    lines = [f"{title:<{width}}  {'truths':>7}" + "".join(f"  {name:>6}" for name in NAMES)]
    for name, found in bins.items():
        values = found.values()
        cells = "".join(f"  {shown(values[metric]):>6}" for metric in NAMES)
        lines.append(f"{name:<{width}}  {found.truths.sum():>7}" + cells)
    return "\n".join(lines)


def plain_bins(bins: dict[str, Tables], classes: slice = slice(None)) -> dict[str, dict[str, Value]]:
    """Values and truths of each bin for metrics.json."""
    return {
        name: {**found.values(classes), "truths": int(found.truths[classes].sum())}
        for name, found in bins.items()
    }


def shown(value: Value) -> str:
    """A metric for a table."""
    return "-" if value is None else f"{value:.4f}"


def bin_names(edges: Sequence[float], *, first: str, last: str) -> list[str]:
    """Names of the bins between edges: `first`, '0.1-0.3' and so on, `last`."""
    return [first, *(f"{low:g}-{high:g}" for low, high in itertools.pairwise(edges)), last]


def _check_rising(name: str, edges: Sequence[float]) -> None:
    if len(edges) == 0 or any(high <= low for low, high in itertools.pairwise(edges)):
        raise UserError(f"evaluation.bins.{name}={list(edges)}: must be rising numbers, at least one")
