"""The stage that follows objects from frame to frame of one recording."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from detector.inference.prediction import Prediction
from detector.inference.stages import Predictions, Stage, limits
from detector.structures import Frame
from detector.tracking.base import Tracker


def tracked(tracker: Tracker, least: Mapping[str, float], *, fps: float) -> Stage:
    """Takes the place of `confident`: what counts, weak detections of known objects too, with their tracks.

    Each call of the stage is for one recording. least: the score of each class from which a detection counts
    by itself. fps: of frames that do not tell their time.
    """

    def stage(predictions: Iterable[Prediction]) -> Predictions:
        tracks, clock = tracker.start(), Clock(fps=fps)
        for prediction in predictions:
            found = prediction.detections
            needed = limits(prediction, least)
            shares = np.divide(found.scores, needed, out=np.ones_like(needed), where=needed > 0)
            kept = tracks.update(found, shares, seconds=clock.read(prediction.frame))
            yield replace(prediction, detections=replace(kept, boxes=_inside(kept.boxes, prediction.frame)))

    return stage


class Clock:
    """Seconds since the first frame of a recording; never the same twice: some cameras tell whole seconds.

    fps: of frames that do not tell their time, and of those with the same one until it has changed once.
    """

    def __init__(self, *, fps: float) -> None:
        self.period = 1 / fps
        self.start: datetime | None = None
        self.now = -self.period
        self.told = -math.inf  # the last time told,
        self.alike = 0  # and how many frames have told it

    def read(self, frame: Frame) -> float:
        """Of the next frame: by its own time, or a period after the one before."""
        after = self.now + self.period
        self.start = self.start or frame.time
        told = frame.seconds_since(self.start)
        if told is not None:
            if told > self.told:
                self.period = (told - self.told) / self.alike if self.alike else self.period
                self.told, self.alike = told, 0
            self.alike += 1
            if told > self.now:
                after = told
            elif self.now < told + 1:  # whole seconds: the next one has not begun
                after = min(after, (self.now + told + 1) / 2)
        self.now = after
        return self.now


def _inside(boxes: np.ndarray, frame: Frame) -> np.ndarray:
    """Boxes [N, 4] cut to the frame; of each stays a pixel at least."""
    height, width = frame.size
    low = boxes[:, :2].clip(0, (width - 1, height - 1))
    high = np.maximum(boxes[:, 2:].clip(0, (width, height)), low + 1)
    return np.concatenate([low, high], 1).astype(np.float32)
