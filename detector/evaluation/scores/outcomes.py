"""Each detection's score and whether it was right: all that thresholds, calibration and FROC are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.evaluation.matching import Pool, match


@dataclass(frozen=True, eq=False)
class Outcomes:
    """D detections that count, over all images, best first; those that COCO ignores are left out.

    classes: K names. images: how many were evaluated. scores [D] float64. labels [D]. hits [D] bool.
    truths [K]: objects that count.
    COCO matches better detections before worse ones, so the first n are what a threshold keeps, hits and all.
    """

    classes: tuple[str, ...]
    images: int
    scores: np.ndarray
    labels: np.ndarray
    hits: np.ndarray
    truths: np.ndarray

    def of_class(self, label: int) -> Outcomes:
        """One class alone; `labels` stay as they are."""
        chosen = self.labels == label
        return Outcomes(
            classes=(self.classes[label],),
            images=self.images,
            scores=self.scores[chosen],
            labels=self.labels[chosen],
            hits=self.hits[chosen],
            truths=self.truths[label : label + 1],
        )

    def cuts(self) -> np.ndarray:
        """[C] how many detections each possible threshold keeps, rising: equal scores stay together."""
        last_of_equals = np.append(self.scores[1:] != self.scores[:-1], True)[: len(self.scores)]
        return np.flatnonzero(last_of_equals) + 1


def outcomes(pool: Pool, classes: tuple[str, ...], *, overlap: float = 0.5) -> Outcomes:
    """What COCO's matching at one overlap says of each detection. classes: K names in label order."""
    matches = match(pool, [overlap])
    counted = np.flatnonzero(~matches.ignored[0])
    order = counted[np.argsort(-pool.found.scores[counted], kind="stable")]
    return Outcomes(
        classes=classes,
        images=pool.images,
        scores=pool.found.scores[order],
        labels=pool.found.labels[order],
        hits=matches.truth[0, order] >= 0,
        truths=np.bincount(pool.truths.labels[~pool.truths.crowd], minlength=len(classes)),
    )
