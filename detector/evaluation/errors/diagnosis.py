"""Where a detector's mistakes lie: thresholds, confusion, calibration, false alarms and TIDE, of one pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.errors.confusion import Confusion, confusion, draw_confusion
from detector.evaluation.errors.kinds import find_mistakes
from detector.evaluation.errors.tide import Tide, draw_tide, tide
from detector.evaluation.matching import Pool
from detector.evaluation.scores.calibration import Calibration, calibration, draw_calibration
from detector.evaluation.scores.froc import Froc, draw_froc, froc
from detector.evaluation.scores.outcomes import outcomes
from detector.evaluation.scores.thresholds import Thresholds, draw_thresholds, score_thresholds

CALIBRATED_FROM = 0.3
"""Least score of the detections whose calibration is told: lower ones are many, wrong, and say so."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """All at IoU 0.5. confusion: from the score of best overall F1 on, or from 0 where there is no truth."""

    thresholds: Thresholds
    confusion: Confusion
    calibration: Calibration
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

    def pictures(self) -> dict[str, np.ndarray]:
        """[H, W, 3] uint8 pictures by name, to log."""
        return {
            "thresholds": draw_thresholds(self.thresholds),
            "confusion": draw_confusion(self.confusion),
            "calibration": draw_calibration(self.calibration),
            "froc": draw_froc(self.froc),
            "tide": draw_tide(self.tide),
        }


def diagnose(pool: Pool, classes: tuple[str, ...]) -> Diagnosis:
    """Everything above. classes: K names in label order."""
    every = outcomes(pool, classes)
    thresholds = score_thresholds(every)
    best = thresholds.overall.best
    return Diagnosis(
        thresholds=thresholds,
        confusion=confusion(pool, classes, least_score=best.score if best else 0.0),
        calibration=calibration(every, least_score=CALIBRATED_FROM),
        froc=froc(every),
        tide=tide(find_mistakes(pool), classes),
    )
