"""Predictions without a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.inference.prediction import Prediction
from detector.structures import Detections, Frame

CLASSES = ("person", "car")


def found(*rows: tuple[list[float], float, int]) -> Detections:
    """Detections of (box, score, label)."""
    return Detections(
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for _, _, label in rows], np.int64),
    )


def prediction(
    *rows: tuple[list[float], float, int],
    counts: np.ndarray | None = None,
    classes: tuple[str, ...] = CLASSES,
    source: str = "frame",
    **facts: Any,
) -> Prediction:
    """Of (box, score, label), in a frame of 6 x 8 pixels if none is given."""
    counts = np.full((6, 8), 30000, np.uint16) if counts is None else counts
    image = (counts / 65535).astype(np.float32)
    return Prediction(Frame(counts, 16, source, **facts), image, found(*rows), classes)
