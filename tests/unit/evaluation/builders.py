"""Small annotations and detections, written as a test thinks of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detector.data.annotations import Annotations, ImageRecord
from detector.evaluation.coco import Metrics
from detector.evaluation.matching import Pool, pool
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.predictions import predictions_json
from detector.evaluation.split import EvaluatedSplit, evaluate
from detector.structures import Detections

Row = tuple[list[float], int]

BINS = Bins(overlap=(0.0, 0.1, 0.3), crowd_above=0.1, sizes=(6.0, 12.0, 24.0))


def record(image_id: int, *, truths: list[Row], regions: list[Row] | None = None) -> ImageRecord:
    """A 640 x 512 picture with objects and regions to ignore, each (xyxy, label)."""
    rows = truths + (regions or [])
    return ImageRecord(
        image_id=image_id,
        path=Path(f"frame_{image_id}.png"),
        width=640,
        height=512,
        boxes=np.array([box for box, _ in rows], dtype=np.float32).reshape(-1, 4),
        labels=np.array([label for _, label in rows], dtype=np.int64),
        ignored=np.array([index >= len(truths) for index in range(len(rows))], dtype=bool),
        sequence=None,
    )


def annotations(
    *records: ImageRecord, classes: tuple[str, ...] = ("person", "car"), ids: tuple[int, ...] = (1, 2)
) -> Annotations:
    return Annotations(classes=classes, records=records, category_ids=ids)


def found(*rows: tuple[list[float], float, int]) -> Detections:
    """Detections from (xyxy, score, label)."""
    return Detections(
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for _, _, label in rows], np.int64),
    )


def pooled(annotations: Annotations, detections: dict[int, Detections]) -> Pool:
    """Truths and detections ready to be matched."""
    return pool(annotations, predictions_json(detections, annotations))


def evaluated(
    annotations: Annotations, detections: dict[int, Detections], *, bins: Bins = BINS
) -> EvaluatedSplit:
    return evaluate(annotations, predictions_json(detections, annotations), bins=bins)


def measured(annotations: Annotations, detections: dict[int, Detections], *, bins: Bins = BINS) -> Metrics:
    return evaluated(annotations, detections, bins=bins).metrics


def random_set(seed: int) -> tuple[Annotations, dict[int, Detections]]:
    """30 pictures of three classes, boxes of 4 to 200 pixels, some ignored; detections near them and far."""
    rng = np.random.default_rng(seed)
    records, detections = [], {}
    for image_id in range(30):
        boxes = _random_boxes(rng, count=int(rng.integers(0, 9)))
        labels = rng.integers(0, 3, len(boxes))
        rows = [(box.tolist(), int(label)) for box, label in zip(boxes, labels, strict=True)]
        cut = int(rng.integers(0, len(rows) + 1)) if rows else 0
        records.append(record(image_id, truths=rows[:cut], regions=rows[cut:]))
        near = boxes + rng.normal(0, 2, boxes.shape)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        every = np.concatenate((near, near + 1.5, _random_boxes(rng, count=10))).clip(0)
        guesses = np.concatenate((labels, labels, rng.integers(0, 3, 10)))
        scores = np.sort(rng.random(len(every)))[::-1].round(2)  # with ties
        detections[image_id] = Detections(
            boxes=every.astype(np.float32), scores=scores.astype(np.float32), labels=guesses
        )
    return annotations(*records, classes=("a", "b", "c"), ids=(9, 2, 5)), detections


def _random_boxes(rng: np.random.Generator, *, count: int) -> np.ndarray:
    corner = rng.random((count, 2)) * 400
    size = np.exp(rng.uniform(np.log(4), np.log(200), (count, 2)))
    return np.concatenate((corner, corner + size), axis=1)
