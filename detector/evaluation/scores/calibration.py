"""Whether a score is what it says: of the detections with score 0.7, are 70 % right?

Detection calibration error (D-ECE, Küppers et al., CVPRW 2020) over the score alone: with the detections D in
M bins of equal width, B_m those of bin m,

    D-ECE = sum over m of |B_m| / |D| * |precision(B_m) - mean score(B_m)|

where precision is the share that found a truth. It describes what was handed in: the many detections of low
score that COCO's AP wants weigh most, so state the score they start from with the figure. Missed truths play
no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.scores.outcomes import Outcomes

BINS = 20


@dataclass(frozen=True, eq=False)
class Reliability:
    """Reliability of the scores from `confidence` on.

    counts [M]: detections in each of M bins of equal width over [0, 1]; a bin's upper edge lies outside, the
    last one's inside. scores [M]: their mean score. precision [M]: the share of hits. NaN in an empty bin.
    error: D-ECE in [0, 1] over all detections; per_class: of each class by name. None without detections.
    """

    confidence: float
    counts: np.ndarray
    scores: np.ndarray
    precision: np.ndarray
    error: float | None
    per_class: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json: the errors, without the bins."""
        return {
            "least_score": self.confidence,
            "detections": int(self.counts.sum()),
            "d_ece": self.error,
            "per_class": dict(self.per_class),
        }


def calibration(outcomes: Outcomes, *, confidence: float) -> Reliability:
    """D-ECE and the bins behind it, of the detections with at least this score."""
    counts, scores, precision = _bins(outcomes, confidence)
    return Reliability(
        confidence=confidence,
        counts=counts,
        scores=scores,
        precision=precision,
        error=_error(counts, scores, precision),
        per_class={
            name: _error(*_bins(outcomes.of_class(label), confidence))
            for label, name in enumerate(outcomes.classes)
        },
    )


def _bins(outcomes: Outcomes, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """counts, mean scores and precision [M]."""
    kept = outcomes.scores >= confidence
    scores = outcomes.scores[kept]
    places = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums = [np.bincount(places, weights, minlength=BINS) for weights in (scores, outcomes.hits[kept])]
    means = [np.divide(total, counts, out=np.full(BINS, np.nan), where=counts > 0) for total in sums]
    return counts, means[0], means[1]


def _error(counts: np.ndarray, scores: np.ndarray, precision: np.ndarray) -> float | None:
    """D-ECE of the bins."""
    full = counts > 0
    if not full.any():
        return None
    return float(counts[full] @ np.abs(precision[full] - scores[full]) / counts.sum())
