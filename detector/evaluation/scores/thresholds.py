"""What a threshold on the score keeps: precision, recall and F1 of each class and of all, and the best one.

"All" pools the detections and truths of every class (micro average) under one threshold; false positives of a
class without truth count there. F1 = 2 hits / (detections + truths).

Letters: S thresholds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detector.evaluation.scores.outcomes import Outcomes

GRID = np.arange(201) / 200
"""Thresholds that curves are given at."""

LEAST_F1 = 0.1
"""Below it the best threshold is an accident: of one lucky box, or one that reports nearly everything."""


@dataclass(frozen=True)
class OperatingPoint:
    """What keeping the detections from `score` on gives, all in [0, 1]."""

    score: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """precision [S], NaN where nothing is kept; recall [S] and f1 [S], NaN without truth.

    best: the threshold of highest F1 among all scores, of equals the highest; score 1 and all else 0 where
    nothing was right; None without truth.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    best: OperatingPoint | None


@dataclass(frozen=True, eq=False)
class Thresholds:
    """thresholds: [S]. overall: every class under one threshold. per_class: by name."""

    thresholds: np.ndarray
    overall: ScoreCurve
    per_class: dict[str, ScoreCurve]

    def best_scores(self) -> dict[str, float]:
        """The best threshold of each class that reaches LEAST_F1, to store with a detector."""
        points = {name: curve.best for name, curve in self.per_class.items()}
        return {name: point.score for name, point in points.items() if point and point.f1 >= LEAST_F1}

    def to_dict(self) -> dict[str, Any]:
        """The best thresholds, plain values for metrics.json; None without truth."""
        return {
            "overall": _plain(self.overall.best),
            "per_class": {name: _plain(curve.best) for name, curve in self.per_class.items()},
        }


def score_thresholds(outcomes: Outcomes) -> Thresholds:
    """Curves over GRID, and the best thresholds to the last digit."""
    return Thresholds(
        thresholds=GRID,
        overall=_curve(outcomes),
        per_class={name: _curve(outcomes.of_class(label)) for label, name in enumerate(outcomes.classes)},
    )


def _curve(outcomes: Outcomes) -> ScoreCurve:
    truths = int(outcomes.truths.sum())
    hits = np.append(0, np.cumsum(outcomes.hits))
    kept = np.searchsorted(-outcomes.scores, -GRID, side="right")
    nothing = np.full(len(GRID), np.nan)
    return ScoreCurve(
        precision=np.divide(hits[kept], kept, out=nothing.copy(), where=kept > 0),
        recall=hits[kept] / truths if truths else nothing,
        f1=2 * hits[kept] / (kept + truths) if truths else nothing,
        best=_best(outcomes, hits, truths) if truths else None,
    )


def _best(outcomes: Outcomes, hits: np.ndarray, truths: int) -> OperatingPoint:
    """hits [D + 1]: among the first n detections."""
    kept = outcomes.cuts()
    if hits[-1] == 0:
        return OperatingPoint(score=1.0, precision=0.0, recall=0.0, f1=0.0)
    f1 = 2 * hits[kept] / (kept + truths)
    cut = int(np.argmax(f1))
    count, right = int(kept[cut]), int(hits[kept[cut]])
    return OperatingPoint(
        score=float(outcomes.scores[count - 1]),
        precision=right / count,
        recall=right / truths,
        f1=float(f1[cut]),
    )


def _plain(point: OperatingPoint | None) -> dict[str, float] | None:
    return asdict(point) if point else None
