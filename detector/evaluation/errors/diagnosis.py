"""Where a detector's mistakes lie: thresholds, confusion, calibration, false alarms and TIDE, of one pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detector.evaluation.errors.confusion import Confusion, confusion
from detector.evaluation.errors.kinds import Mistakes, find_mistakes
from detector.evaluation.errors.tide import Tide, tide
from detector.evaluation.matching import Pool
from detector.evaluation.scores.calibration import Reliability, calibration
from detector.evaluation.scores.froc import Froc, froc
from detector.evaluation.scores.outcomes import Outcomes, outcomes
from detector.evaluation.scores.thresholds import Thresholds, score_thresholds

CALIBRATED_FROM = 0.3
"""Lowest score of the detections whose calibration is told: lower ones are many, wrong, and say so."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """All at IoU 0.5. outcomes, mistakes: of each detection, which the rest is counted from.

    confusion: from the score of best overall F1 on, or from 0 where there is no truth.
    """

    outcomes: Outcomes
    mistakes: Mistakes
    thresholds: Thresholds
    confusion: Confusion
    calibration: Reliability
    froc: Froc
    tide: Tide

    def scalars(self) -> dict[str, float | None]:
        """The overall values by name, to log: best_F1, best_threshold, D-ECE, FROC, dAP_missed and so on."""
        best = self.thresholds.overall.best
        return {
            "best_F1": best.f1 if best else None,
            "best_threshold": best.score if best else None,
            "D-ECE": self.calibration.error,
            "FROC": self.froc.to_dict()["overall"]["mean_recall"],
            **{f"dAP_{kind}": gain for kind, gain in self.tide.to_dict()["dAP"].items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json."""
        return {
            "thresholds": self.thresholds.to_dict(),
            "confusion": self.confusion.to_dict(),
            "calibration": self.calibration.to_dict(),
            "froc": self.froc.to_dict(),
            "tide": self.tide.to_dict(),
        }


def diagnose(pool: Pool, classes: tuple[str, ...]) -> Diagnosis:
    """Everything above. classes: K names in label order."""
    every, mistakes = outcomes(pool, classes), find_mistakes(pool)
    thresholds = score_thresholds(every)
    best = thresholds.overall.best
    return Diagnosis(
        outcomes=every,
        mistakes=mistakes,
        thresholds=thresholds,
        confusion=confusion(pool, classes, confidence=best.score if best else 0.0),
        calibration=calibration(every, confidence=CALIBRATED_FROM),
        froc=froc(every),
        tide=tide(mistakes, classes),
    )
