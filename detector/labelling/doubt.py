"""Where a detector is least sure of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from pycocotools import mask

from detector.data.annotations import xywh
from detector.inference.prediction import Prediction
from detector.inference.stages import limits
from detector.structures import Detections

SAME = 0.3
"""IoU from which boxes of frames next to each other are one object."""


def doubts(predictions: Iterable[Prediction], least: Mapping[str, float]) -> np.ndarray:
    """[N] float64 in [0, 1] of the frames of one recording, given with all detections, also the weak ones.

    1 where an object was found in the frame before and in the one after, at places that overlap, and not
    between them. Else that of the least certain detection: 1 at its class's threshold, from there falling in
    a straight line to 0 at the scores 0 and 1. least: the threshold of every class. A label decides most
    where the score says least (uncertainty sampling, Lewis and Gale, SIGIR 1994), and a detector that loses
    an object for a frame shows a miss without any label.
    """
    values: list[float] = []
    found: list[Detections] = []  # of the last three frames, those that count
    for prediction in predictions:
        needed = limits(prediction, least)
        values.append(float(_unsure(prediction.scores, needed).max(initial=0.0)))
        found = [*found[-2:], prediction.detections.keep(prediction.scores >= needed)]
        if len(found) == 3 and _lost(*found):
            values[-2] = 1.0
    return np.array(values)


def _unsure(scores: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """[N] of scores and thresholds [N], 1 where they are equal."""
    scores, needed = scores.astype(np.float64), needed.astype(np.float64)
    room = np.where(scores < needed, needed, 1 - needed)  # 0 only where the two are equal
    return 1 - np.abs(scores - needed) / np.where(room > 0, room, 1)


def _lost(before: Detections, now: Detections, after: Detections) -> bool:
    """Whether an object of a class is found before and after, and nothing of that class between the two."""
    for label in np.unique(before.labels).tolist():
        earlier, present, later = (found.boxes[found.labels == label] for found in (before, now, after))
        one, other = np.nonzero(_overlaps(earlier, later) >= SAME)
        between = (earlier[one] + later[other]) / 2
        if (_overlaps(between, present).max(axis=1, initial=0.0) < SAME).any():
            return True
    return False


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[N, M] IoU of boxes xyxy."""
    if not len(boxes) or not len(others):
        return np.zeros((len(boxes), len(others)))
    return np.asarray(mask.iou(xywh(boxes), xywh(others), np.zeros(len(others), np.uint8)))
