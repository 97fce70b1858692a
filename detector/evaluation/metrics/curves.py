"""Precision against recall: the numbers behind AP50, also as TensorBoard wants them.

Letters: K classes, R points of the recall grid (101 in COCO, 0 to 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RECALL_LEVELS = (0.5, 0.7, 0.8, 0.9)
"""Where `precision_at_recall` reads the curve: what false alarms a detector of that recall costs."""


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Interpolated precision of each class at IoU 0.5.

    classes: K names. recall: [R] the grid, rising. precision: [K, R] in [0, 1], 0 beyond the recall reached.
    scores: [K, R] the lowest score needed for that recall, 0 beyond the recall reached.
    truths: [K] int64, objects that count. A class without truth has no curve: NaN in precision and scores.
    """

    classes: tuple[str, ...]
    recall: np.ndarray
    precision: np.ndarray
    scores: np.ndarray
    truths: np.ndarray

    def tensorboard(self, label: int) -> dict[str, Any]:
        """Arguments of SummaryWriter.add_pr_curve_raw for one class, besides its tag and step.

        The plugin expects falling recall. It shows the points as thresholds 0 to 1, here they are steps of
        the recall grid; true negatives mean nothing in detection and are 0. Raises ValueError for a class
        without truth.
        """
        truths = int(self.truths[label])
        if truths == 0:
            raise ValueError(f"class {self.classes[label]!r} has no truth, so no curve")
        recall, precision = self.recall[::-1], self.precision[label, ::-1]
        reached = precision > 0
        hits = recall * truths * reached
        false = np.divide(hits * (1 - precision), precision, out=np.zeros_like(hits), where=reached)
        return {
            "true_positive_counts": hits,
            "false_positive_counts": false,
            "true_negative_counts": np.zeros_like(hits),
            "false_negative_counts": truths - hits,
            "precision": precision,
            "recall": recall,
            "num_thresholds": len(recall),
        }


def precision_at_recall(
    curves: PrecisionRecall, label: int | None = None, *, levels: Sequence[float] = RECALL_LEVELS
) -> dict[str, float | None]:
    """{"precision_at_recall_0.5": value, ...}: the interpolated precision at each level of recall.

    Of one class, or the mean over the classes with truth. That of the curve's point at the level or, where
    the grid has none there, the next above; 0 where the recall is not reached; None without any truth.
    Raises ValueError for a level outside the curve's grid.
    """
    rows = slice(None) if label is None else slice(label, label + 1)
    precision = curves.precision[rows][curves.truths[rows] > 0]
    values: dict[str, float | None] = {}
    for level in levels:
        point = int(np.searchsorted(curves.recall, level))
        if not 0 <= level <= 1 or point == len(curves.recall):
            raise ValueError(f"recall {level} is not on the curve, which has {curves.recall[0]} to 1")
        values[f"precision_at_recall_{level:g}"] = (
            float(precision[:, point].mean()) if len(precision) else None
        )
    return values
