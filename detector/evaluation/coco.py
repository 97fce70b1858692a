"""COCO numbers, with regions to ignore.

An ignored region with a class is a crowd of that class: detections mostly inside it count neither for nor
against. One without a class (HIT-UAV's DontCare) is a crowd of every class. Areas are those of the boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.data.annotations import Annotations
from detector.data.writers.coco import coco_document
from detector.evaluation.errors.diagnosis import Diagnosis, diagnose
from detector.evaluation.matching import pool
from detector.evaluation.metrics.backends import Backend, CocoTables, run_pycocotools
from detector.evaluation.metrics.bins import Bins
from detector.evaluation.metrics.breakdown import Breakdown, break_down
from detector.evaluation.metrics.curves import PrecisionRecall, precision_at_recall
from detector.evaluation.predictions import predictions_json
from detector.structures import Detections

Value = float | None
"""A metric in [0, 1]; None where there is no truth to measure it on."""

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100")
"""Measured over all classes and for each. s, m, l: truths under 32 x 32 pixels, up to 96 x 96, or above."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """What an evaluation found.

    overall: NAMES -> value, the mean over classes with truth. per_class: the same for each class by name.
    truths: counted objects of each class by name. images, detections: how many were evaluated.
    curves: precision against recall at IoU 0.5. breakdown, diagnosis: by overlap and size, and where the
    mistakes lie, where they were asked for.
    """

    overall: dict[str, Value]
    per_class: dict[str, dict[str, Value]]
    truths: dict[str, int]
    images: int
    detections: int
    curves: PrecisionRecall
    breakdown: Breakdown | None = None
    diagnosis: Diagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json: overall metrics, counts, breakdown, diagnosis, then `per_class`."""
        per_class: dict[str, dict[str, Any]] = {}
        for label, (name, values) in enumerate(self.per_class.items()):
            own = self.breakdown.to_dict(slice(label, label + 1)) if self.breakdown else {}
            per_class[name] = {**values, "truths": self.truths[name], **own}
        counts = {
            "images": self.images,
            "truths": sum(self.truths.values()),
            "detections": self.detections,
        }
        at_recall = precision_at_recall(self.curves)
        every = self.breakdown.to_dict() if self.breakdown else {}
        why = self.diagnosis.to_dict() if self.diagnosis else {}
        return {**self.overall, **at_recall, **counts, **every, **why, "per_class": per_class}

    def scalars(self) -> dict[str, Value]:
        """Every overall value by name, to log."""
        details = (part.scalars() for part in (self.breakdown, self.diagnosis) if part)
        return self.overall | {name: value for values in details for name, value in values.items()}

    def table(self) -> str:
        """Plain text: a line for all classes, one for each, the breakdown; a dash where there is no truth."""
        width = max(len("class"), *(len(name) for name in ("all", *self.per_class)))
        lines = [f"{'class':<{width}}  {'truths':>7}" + "".join(f"  {name:>6}" for name in NAMES)]
        rows = [("all", sum(self.truths.values()), self.overall)]
        rows += [(name, self.truths[name], values) for name, values in self.per_class.items()]
        for name, truths, values in rows:
            cells = ("-" if values[metric] is None else f"{values[metric]:.4f}" for metric in NAMES)
            lines.append(f"{name:<{width}}  {truths:>7}" + "".join(f"  {cell:>6}" for cell in cells))
        return "\n".join((*lines, *(("", self.breakdown.table()) if self.breakdown else ())))


def evaluate(
    annotations: Annotations,
    detections: Mapping[int, Detections],
    *,
    bins: Bins | None = None,
    backend: Backend = run_pycocotools,
) -> Metrics:
    """COCO metrics of detections by image id; an image without an entry has no detections.

    bins: where to divide the truths for the breakdown; None: neither breakdown nor diagnosis. backend: who
    computes COCO's tables.
    What is evaluated is what `predictions_json` writes, so the file gives the same numbers to the last digit.
    Raises ValueError for an image id or a label that the annotations do not know.
    """
    predictions = predictions_json(detections, annotations)
    tables = backend(coco_ground_truth(annotations), predictions)
    every = slice(None)
    classes = annotations.classes
    truths = annotations.object_counts()
    has_truth = truths[:, None] > 0
    curves = PrecisionRecall(
        classes=classes,
        recall=tables.recall_grid,
        precision=np.where(has_truth, tables.precision[0, :, :, 0].T, np.nan),
        scores=np.where(has_truth, tables.scores[0, :, :, 0].T, np.nan),
        truths=truths,
    )
    breakdown, diagnosis = None, None
    if bins is not None:
        ready = pool(annotations, predictions)
        breakdown, diagnosis = break_down(annotations, ready, bins=bins), diagnose(ready, classes)
    return Metrics(
        overall=_values(tables, every),
        per_class={name: _values(tables, slice(k, k + 1)) for k, name in enumerate(classes)},
        truths=dict(zip(classes, truths.tolist(), strict=True)),
        images=len(annotations.records),
        detections=len(predictions),
        curves=curves,
        breakdown=breakdown,
        diagnosis=diagnosis,
    )


def coco_ground_truth(annotations: Annotations) -> dict[str, Any]:
    """The annotations in COCO's format, regions to ignore as crowds (see the module's docstring)."""
    return coco_document(annotations, [record.path.name for record in annotations.records])


def _values(tables: CocoTables, classes: slice) -> dict[str, Value]:
    """NAMES -> value over some of the classes."""
    precision, recall = tables.precision[:, :, classes], tables.recall[:, classes]
    return {
        "AP": _mean(precision[..., 0]),
        "AP50": _mean(precision[0, ..., 0]),
        "AP75": _mean(precision[5, ..., 0]),
        "APs": _mean(precision[..., 1]),
        "APm": _mean(precision[..., 2]),
        "APl": _mean(precision[..., 3]),
        "AR100": _mean(recall[..., 0]),
    }


def _mean(table: np.ndarray) -> Value:
    """Mean of the entries that have truth, as COCOeval.summarize takes it."""
    measured = table[table > -1]
    return float(measured.mean()) if measured.size else None
