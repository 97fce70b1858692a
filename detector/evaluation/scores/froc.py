"""Recall against false positives per image (FROC): what share is found at a bearable rate of false alarms.

At each rate the recall of the lowest score threshold that keeps to it. "All" pools every class under one
threshold, false positives of classes without truth among them. Images without truth count as images.

Letters: F rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.evaluation.scores.outcomes import Outcomes

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per image that metrics.json tells recall at: those of the LUNA16 challenge, which ranks by
the mean."""

GRID = np.geomspace(0.001, 100, 201)
"""Rates that curves are drawn at."""


@dataclass(frozen=True, eq=False)
class Froc:
    """Recall in [0, 1] at rates of false positives per image; NaN without truth.

    overall [F] and per_class [F] by name at the `grid` [F]; at_rates and at_rates_per_class at RATES.
    """

    grid: np.ndarray
    overall: np.ndarray
    per_class: dict[str, np.ndarray]
    at_rates: np.ndarray
    at_rates_per_class: dict[str, np.ndarray]

    def to_dict(self) -> dict[str, Any]:
        """Recall at RATES and their mean, plain values for metrics.json; None without truth."""
        per_class = {name: _plain(values) for name, values in self.at_rates_per_class.items()}
        return {"overall": _plain(self.at_rates), "per_class": per_class}


def froc(outcomes: Outcomes) -> Froc:
    """The curve of all classes and of each."""
    alone = {name: outcomes.of_class(label) for label, name in enumerate(outcomes.classes)}
    rates = np.array(RATES)
    return Froc(
        grid=GRID,
        overall=_recall(outcomes, GRID),
        per_class={name: _recall(one, GRID) for name, one in alone.items()},
        at_rates=_recall(outcomes, rates),
        at_rates_per_class={name: _recall(one, rates) for name, one in alone.items()},
    )


def _recall(outcomes: Outcomes, rates: np.ndarray) -> np.ndarray:
    """[F] the recall of the lowest threshold with at most that many false positives per image."""
    truths = int(outcomes.truths.sum())
    if truths == 0:
        return np.full(len(rates), np.nan)
    kept = np.append(0, outcomes.cuts())
    hits = np.append(0, np.cumsum(outcomes.hits))[kept]
    # No division: 3 false positives on 3 images are 1 per image, not the neighbour of 1.
    cut = np.searchsorted(kept - hits, rates * outcomes.images, side="right") - 1
    return hits[cut] / truths


def _plain(recall: np.ndarray) -> dict[str, float | None]:
    """{"recall_at_0.125_fppi": value, ..., "mean_recall": value}."""
    values = {f"recall_at_{rate:g}_fppi": value for rate, value in zip(RATES, recall.tolist(), strict=True)}
    values["mean_recall"] = float(recall.mean())
    return {name: None if np.isnan(value) else value for name, value in values.items()}
