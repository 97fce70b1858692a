"""From candidates to detections: one way for training, evaluation, prediction and every exported file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.errors import UserError
from detector.geometry.nms import Suppression
from detector.structures import Candidates, Detections


@dataclass(frozen=True, kw_only=True)
class Postprocess:
    """Cuts to the picture, drops what scores low and removes doubles.

    score_threshold: in [0, 1]; lower scores are dropped. AP gains from a low one; pictures want 0.3.
    suppression: how doubles are removed; where it lowers scores, `score_threshold` holds after it too.
    class_aware: boxes of different classes are no doubles of each other.
    max_detections: most detections of one image; COCO counts no more than 100 per class.
    candidates: most (point, class) pairs of one image that reach the suppression; bounds its time.

    A point may answer with several classes. Raises UserError at construction for values out of range.
    """

    score_threshold: float
    suppression: Suppression
    class_aware: bool
    max_detections: int
    candidates: int

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise UserError(f"postprocess.score_threshold={self.score_threshold}: must lie between 0 and 1")
        if not isinstance(self.class_aware, bool):
            raise UserError(f"postprocess.class_aware={self.class_aware}: must be true or false")
        for name in ("max_detections", "candidates"):
            value = getattr(self, name)
            if value < 1:
                raise UserError(f"postprocess.{name}={value}: must be at least 1")

    def __call__(
        self, found: Candidates, sizes: Sequence[tuple[int, int]], *, least: float = 0.0
    ) -> list[Detections]:
        """Detections of each of the B images, in pixels of the network's input, best first.

        sizes: (height, width) in pixels of every image: boxes are cut to it, and those with nothing inside it
        are dropped. least: score of which nobody asks for less. What scores less removes and lowers nothing
        that scores more, so the others are found as without it, and noise's many candidates cost no time.
        Raises FloatingPointError where the candidates are not finite.
        """
        least = max(least, self.score_threshold)
        return [
            self.suppress(self._inside(*image, size=size, least=least))
            for *image, size in zip(found.boxes, found.scores, found.labels, sizes, strict=True)
        ]

    def suppress(self, proposed: Detections) -> Detections:
        """The detections of one image, best first, without the doubles."""
        boxes, labels = proposed.boxes, proposed.labels
        groups = labels if self.class_aware else np.zeros_like(labels)
        chosen, scores = self.suppression(boxes, proposed.scores, groups, limit=self.max_detections)
        strong = scores >= self.score_threshold
        chosen = chosen[strong]
        return Detections(boxes=boxes[chosen], scores=scores[strong], labels=labels[chosen])

    def _inside(
        self,
        boxes: np.ndarray,
        scores: np.ndarray,
        labels: np.ndarray,
        *,
        size: tuple[int, int],
        least: float,
    ) -> Detections:
        if not (np.isfinite(scores).all() and np.isfinite(boxes).all()):
            raise FloatingPointError("the head's output is not finite: the weights or the input are broken")
        height, width = size
        strong = scores >= least
        boxes = boxes[strong].clip(0, np.array([width, height, width, height], np.float32))
        found = Detections(boxes=boxes, scores=scores[strong], labels=labels[strong])
        return found.keep(np.all(boxes[:, 2:] > boxes[:, :2], axis=1))
