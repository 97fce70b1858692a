"""What a threshold on the score keeps: precision, recall and F1 of each class and of all, and the best one.

"All" pools the detections and truths of every class (micro average) under one threshold; false positives of a
class without truth count there. F1 = 2 hits / (detections + truths).

Letters: S thresholds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detector.evaluation.figures import new_figure, pixels
from detector.evaluation.scores.outcomes import Outcomes

GRID = np.arange(201) / 200
"""Thresholds that curves are given at."""


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


def draw_thresholds(thresholds: Thresholds) -> np.ndarray:
    """[432, 1440, 3] uint8 picture: precision, recall and F1 against the threshold.

    A line for each class with truth and a black one for all; dots mark the best F1.
    """
    figure, panels = new_figure(width=12, height=3.6, columns=3)
    curves = {name: curve for name, curve in thresholds.per_class.items() if curve.best}
    styles: list[dict[str, Any]] = [{} for _ in curves]
    if len(thresholds.per_class) > 1 and thresholds.overall.best:
        curves["all"] = thresholds.overall
        styles.append({"color": "black", "linewidth": 2})
    for axes, measure in zip(panels, ("precision", "recall", "f1"), strict=True):
        for (name, curve), style in zip(curves.items(), styles, strict=True):
            label = f"{name}: {curve.best.f1:.3f} from {curve.best.score:.2f}" if curve.best else name
            (line,) = axes.plot(thresholds.thresholds, getattr(curve, measure), label=label, **style)
            if curve.best and measure == "f1":
                axes.plot(curve.best.score, curve.best.f1, "o", color=line.get_color())
        axes.set(xlabel="score threshold", ylabel=measure.replace("f1", "F1"), xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3)
    if curves:
        panels[-1].legend(loc="best", fontsize="small")
    return pixels(figure)


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
