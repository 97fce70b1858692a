"""Whether a score is what it says: of the detections with score 0.7, are 70 % right?

Detection calibration error (D-ECE, Küppers et al., CVPRW 2020) over the score alone: with the detections D in
M bins of equal width, B_m those of bin m,

    D-ECE = sum over m of |B_m| / |D| * |precision(B_m) - mean score(B_m)|

where precision is the share that found a truth. It describes what was handed in: the many detections of low
score that COCO's AP wants weigh most, so state the least score with the figure. Missed truths play no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.figures import new_figure, pixels
from detector.evaluation.scores.outcomes import Outcomes

BINS = 20


@dataclass(frozen=True, eq=False)
class Calibration:
    """Reliability of the scores from `least_score` on.

    counts [M]: detections in each of M bins of equal width over [0, 1]; a bin's upper edge lies outside, the
    last one's inside. scores [M]: their mean score. precision [M]: the share of hits. NaN in an empty bin.
    error: D-ECE in [0, 1] over all detections; per_class: of each class by name. None without detections.
    """

    least_score: float
    counts: np.ndarray
    scores: np.ndarray
    precision: np.ndarray
    error: float | None
    per_class: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json: the errors, without the bins."""
        return {
            "least_score": self.least_score,
            "detections": int(self.counts.sum()),
            "d_ece": self.error,
            "per_class": dict(self.per_class),
        }


def calibration(outcomes: Outcomes, *, least_score: float) -> Calibration:
    """D-ECE and the bins behind it, of the detections with at least this score."""
    counts, scores, precision = _bins(outcomes, least_score)
    return Calibration(
        least_score=least_score,
        counts=counts,
        scores=scores,
        precision=precision,
        error=_error(counts, scores, precision),
        per_class={
            name: _error(*_bins(outcomes.of_class(label), least_score))
            for label, name in enumerate(outcomes.classes)
        },
    )


def draw_calibration(reliability: Calibration) -> np.ndarray:
    """[432, 1080, 3] uint8 picture: each bin's precision against the score, and how many it holds."""
    figure, (left, right) = new_figure(width=9, height=3.6, columns=2)
    centres, width = (np.arange(BINS) + 0.5) / BINS, 0.9 / BINS
    error = "no detections" if reliability.error is None else f"D-ECE {reliability.error:.3f}"
    left.bar(centres, np.nan_to_num(reliability.precision), width, label="share that is right")
    left.plot((0, 1), (0, 1), "--", color="#7f7f7f", label="as the score says")
    title = f"{error}, score ≥ {reliability.least_score:.2f}"
    left.set(xlabel="score", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title=title)
    left.legend(loc="upper left", fontsize="small")
    right.bar(centres, reliability.counts, width)
    right.set(xlabel="score", ylabel="detections", xlim=(0, 1))
    if reliability.error is not None:
        right.set(yscale="log", ylim=(0.5, None))
    return pixels(figure)


def _bins(outcomes: Outcomes, least_score: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """counts, mean scores and precision [M]."""
    kept = outcomes.scores >= least_score
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
