"""What is done to predictions between the network and where they go.

A stage takes predictions one by one and gives predictions; it may keep something from frame to frame, as a
tracker does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from detector.errors import UserError
from detector.inference.prediction import Prediction

Predictions = Generator[Prediction, None, None]
Stage = Callable[[Iterable[Prediction]], Predictions]

FALLBACK = 0.3
"""Score from which a detection counts where nobody has measured a better one."""


def thresholds(
    classes: Sequence[str], *, stored: Mapping[str, float] | None, confidence: float | None
) -> dict[str, float]:
    """The score of each class from which a detection counts.

    confidence: one for all classes; None: those stored with the run, FALLBACK where it has none. Raises
    UserError for a confidence that is no number in [0, 1].
    """
    if confidence is None:
        return {name: (stored or {}).get(name, FALLBACK) for name in classes}
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if not number or not 0 <= confidence <= 1:
        raise UserError(f"confidence={confidence}: must be a number between 0 and 1")
    return dict.fromkeys(classes, confidence)


def limits(prediction: Prediction, least: Mapping[str, float]) -> np.ndarray:
    """[N] float32: what each detection must score, of the score that its class must.

    As float32, which scores are: a threshold is often the score of a detection, which then counts.
    """
    return np.array([least[name] for name in prediction.classes], np.float32)[prediction.labels]


def lowest(least: Mapping[str, float], *, weak: float = 1.0) -> float:
    """The score below which no stage looks at a detection: the least of all classes.

    weak: share of its class's threshold from which a tracker looks at one.
    """
    return weak * min(least.values()) * (1 - 1e-6)  # shares are rounded


def confident(least: Mapping[str, float]) -> Stage:
    """Keeps the detections that score at least what their class must; `least` has every class."""

    def stage(predictions: Iterable[Prediction]) -> Predictions:
        for prediction in predictions:
            found = prediction.detections
            yield replace(prediction, detections=found.keep(found.scores >= limits(prediction, least)))

    return stage
