"""Sets made to trip a matcher: ties, doubles, empty pictures, crowds, too many detections."""

from __future__ import annotations

import numpy as np

from detector.data.annotations import Annotations
from detector.structures import Detections
from tests.unit.evaluation.builders import annotations, record


def hostile_set(seed: int) -> tuple[Annotations, dict[int, Detections]]:
    """12 pictures, ids and category ids out of order. Corners on whole and half pixels and eight scores only,
    so that many overlaps and scores are equal; up to 160 detections, most of one class."""
    rng = np.random.default_rng(seed)
    records, detections = [], {}
    for image_id in rng.permutation(100)[:12].tolist():
        truths = _boxes(rng, int(rng.integers(0, 12)))
        labels = rng.integers(-1, 2, len(truths))
        cut = int(rng.integers(0, len(truths) + 1))
        rows = list(zip(truths.tolist(), labels.tolist(), strict=True))
        objects = [(box, abs(label)) for box, label in rows[:cut]]
        records.append(record(image_id, truths=objects, regions=rows[cut:]))

        count = int(rng.integers(0, 160)) if rng.random() < 0.8 else 0
        boxes = _boxes(rng, count)
        if len(truths):
            near = truths[rng.integers(0, len(truths), count // 2)]
            boxes[: len(near)] = near + rng.integers(-1, 2, near.shape) * 0.5
        detections[image_id] = Detections(
            boxes=boxes.astype(np.float32),
            scores=np.sort(rng.integers(1, 9, count) / 8)[::-1].astype(np.float32),
            labels=(rng.random(count) < 0.15).astype(np.int64),
        )
    return annotations(*records, classes=("a", "b"), ids=(7, 3)), detections


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.integers(0, 30, (count, 2))
    return np.concatenate((corner, corner + rng.integers(2, 14, (count, 2))), axis=1).astype(np.float64)
