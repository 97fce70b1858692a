"""A split evaluated: its truth, what was found, and all that was measured, made once and passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detector.data.annotations import Annotations
from detector.evaluation.coco import Metrics, coco_ground_truth, coco_values
from detector.evaluation.errors.diagnosis import diagnose
from detector.evaluation.matching import Pool, pool
from detector.evaluation.metrics.backends import Backend, CocoTables, run_arrays
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.metrics.breakdown import break_down
from detector.evaluation.metrics.curves import PrecisionRecall
from detector.evaluation.predictions import Entries, Entry, detections_of
from detector.structures import Detections


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """predictions: entries of a COCO results file. pool: truth and predictions as they were measured."""

    annotations: Annotations
    predictions: Sequence[Entry]
    pool: Pool
    metrics: Metrics

    @cached_property
    def detections(self) -> Mapping[int, Detections]:
        """The predictions by image id, best first, for pictures."""
        return detections_of(self.predictions, self.annotations)


def evaluate(
    annotations: Annotations,
    predictions: Sequence[Entry],
    *,
    bins: Bins,
    backend: Backend | None = None,
) -> EvaluatedSplit:
    """Measure predictions, of `predictions_json` or `results_file.read_predictions`, on their split.

    bins: where to divide the truths for the breakdown. backend: who computes COCO's tables; None:
    `run_arrays`.
    Raises KeyError for an image or a category that the annotations do not know.
    """
    predictions = Entries.of(predictions)
    ready = pool(annotations, predictions)
    tables = backend(coco_ground_truth(annotations), predictions) if backend else run_arrays(ready)
    classes, truths = annotations.classes, annotations.object_counts()
    metrics = Metrics(
        overall=coco_values(tables),
        per_class={name: coco_values(tables, slice(k, k + 1)) for k, name in enumerate(classes)},
        truths=dict(zip(classes, truths.tolist(), strict=True)),
        images=len(annotations.records),
        detections=len(predictions),
        curves=_curves(tables, classes, truths),
        breakdown=break_down(ready, bins=bins),
        diagnosis=diagnose(ready, classes),
    )
    return EvaluatedSplit(annotations, predictions, ready, metrics)


def _curves(tables: CocoTables, classes: tuple[str, ...], truths: np.ndarray) -> PrecisionRecall:
    """At IoU 0.5; NaN for a class without truth."""
    precision, scores = (
        np.where(truths[:, None] > 0, table[0, :, :, 0].T, np.nan)
        for table in (tables.precision, tables.scores)
    )
    return PrecisionRecall(classes, tables.recall_grid, precision, scores, truths)
