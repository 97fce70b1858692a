"""COCO numbers by pycocotools, the reference, with regions to ignore.

An ignored region with a class is a crowd of that class: detections mostly inside it count neither for nor
against. One without a class (HIT-UAV's DontCare) is a crowd of every class. Areas are those of the boxes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector.data.annotations import Annotations
from detector.evaluation.bins import Bins
from detector.evaluation.breakdown import Breakdown, break_down
from detector.evaluation.curves import PrecisionRecall, precision_at_recall
from detector.evaluation.predictions import predictions_json
from detector.structures import IGNORE_LABEL, Detections

Value = float | None
"""A metric in [0, 1]; None where there is no truth to measure it on."""

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100")
"""Measured over all classes and for each. s, m, l: truths under 32 x 32 pixels, up to 96 x 96, or above."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """What an evaluation found.

    overall: NAMES -> value, the mean over classes with truth. per_class: the same for each class by name.
    truths: counted objects of each class by name. images, detections: how many were evaluated.
    curves: precision against recall at IoU 0.5. breakdown: by overlap and size, where it was asked for.
    """

    overall: dict[str, Value]
    per_class: dict[str, dict[str, Value]]
    truths: dict[str, int]
    images: int
    detections: int
    curves: PrecisionRecall
    breakdown: Breakdown | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json: overall metrics by name, counts, breakdown, then `per_class`."""
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
        return {**self.overall, **at_recall, **counts, **every, "per_class": per_class}

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
    annotations: Annotations, detections: Mapping[int, Detections], *, bins: Bins | None = None
) -> Metrics:
    """COCO metrics of detections by image id; an image without an entry has no detections.

    bins: where to divide the truths for the breakdown; None: no breakdown.
    What is evaluated is what `predictions_json` writes, so the file gives the same numbers to the last digit.
    Raises ValueError for an image id or a label that the annotations do not know.
    """
    predictions = predictions_json(detections, annotations)
    breakdown = None if bins is None else break_down(annotations, predictions, bins=bins)
    evaluation = _run_pycocotools(coco_ground_truth(annotations), predictions)
    # pycocotools sorts its categories: row k of its tables is not our class k.
    order = [evaluation.params.catIds.index(category) for category in annotations.category_ids]
    precision = evaluation.eval["precision"][..., 0][:, :, order]
    scores = evaluation.eval["scores"][..., 0][:, :, order]
    recall = evaluation.eval["recall"][..., 0][:, order]
    tables = _Tables(precision=precision, recall=recall)
    every = slice(None)
    classes = annotations.classes
    truths = _count_truths(annotations)
    has_truth = truths[:, None] > 0
    curves = PrecisionRecall(
        classes=classes,
        recall=evaluation.params.recThrs,
        precision=np.where(has_truth, precision[0, :, :, 0].T, np.nan),
        scores=np.where(has_truth, scores[0, :, :, 0].T, np.nan),
        truths=truths,
    )
    return Metrics(
        overall=tables.values(every),
        per_class={name: tables.values(slice(k, k + 1)) for k, name in enumerate(classes)},
        truths=dict(zip(classes, truths.tolist(), strict=True)),
        images=len(annotations.records),
        detections=len(predictions),
        curves=curves,
        breakdown=breakdown,
    )


def coco_ground_truth(annotations: Annotations) -> dict[str, Any]:
    """The annotations in COCO's format, regions to ignore as crowds (see the module's docstring)."""
    truths: list[dict[str, Any]] = []
    for record in annotations.records:
        for box, label, ignored in zip(
            record.boxes.tolist(), record.labels.tolist(), record.ignored.tolist(), strict=True
        ):
            x1, y1, x2, y2 = box
            everyone = annotations.category_ids
            for category in everyone if label == IGNORE_LABEL else (everyone[label],):
                truths.append(
                    {
                        # From 1: pycocotools takes a match with id 0 for no match.
                        "id": len(truths) + 1,
                        "image_id": record.image_id,
                        "category_id": category,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "area": (x2 - x1) * (y2 - y1),
                        "iscrowd": int(ignored or label == IGNORE_LABEL),
                    }
                )
    images = [
        {"id": record.image_id, "file_name": record.path.name, "width": record.width, "height": record.height}
        for record in annotations.records
    ]
    categories = [
        {"id": category, "name": name}
        for category, name in zip(annotations.category_ids, annotations.classes, strict=True)
    ]
    return {"images": images, "categories": categories, "annotations": truths}


@dataclass(frozen=True, eq=False)
class _Tables:
    """pycocotools' results at 100 detections: precision [T, R, K, A] and recall [T, K, A]; -1 for no truth.

    T IoU thresholds 0.50, 0.55 .. 0.95; A areas: all, small, medium, large.
    """

    precision: np.ndarray
    recall: np.ndarray

    def values(self, classes: slice) -> dict[str, Value]:
        """NAMES -> value over some of the classes."""
        precision, recall = self.precision[:, :, classes], self.recall[:, classes]
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


def _count_truths(annotations: Annotations) -> np.ndarray:
    """[K] int64: objects of each class that are not to be ignored."""
    counts = np.zeros(len(annotations.classes), dtype=np.int64)
    for record in annotations.records:
        real = ~record.ignored & (record.labels != IGNORE_LABEL)
        counts += np.bincount(record.labels[real], minlength=len(counts))
    return counts


def _run_pycocotools(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> COCOeval:
    """COCOeval after evaluate() and accumulate(), without its printing."""
    results = [
        {**entry, "id": index, "area": entry["bbox"][2] * entry["bbox"][3]}
        for index, entry in enumerate(predictions, start=1)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_index(truth), _index({**truth, "annotations": results}), iouType="bbox")
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _index(dataset: dict[str, Any]) -> COCO:
    """A COCO object of data in memory; COCO.loadRes would fail on an empty list of results."""
    coco = COCO()
    coco.dataset = dataset
    coco.createIndex()
    return coco
