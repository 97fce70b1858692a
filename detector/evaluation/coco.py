"""COCO numbers, with regions to ignore.

An ignored region with a class is a crowd of that class: detections mostly inside it count neither for nor
against. One without a class (HIT-UAV's DontCare) is a crowd of every class. Areas are those of the boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detector.data.annotations import Annotations
from detector.data.writers.coco import coco_document
from detector.evaluation.errors.diagnosis import Diagnosis
from detector.evaluation.metrics.backends import CocoTables
from detector.evaluation.metrics.bins import Value, mean_measured, shown
from detector.evaluation.metrics.breakdown import Breakdown
from detector.evaluation.metrics.curves import PrecisionRecall, precision_at_recall
from detector.evaluation.worst import told, worst

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100")
"""Measured over all classes and for each. s, m, l: truths under 32 x 32 pixels, up to 96 x 96, or above."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """What an evaluation found.

    overall: NAMES -> value, the mean over classes with truth. per_class: the same for each class by name.
    truths: counted objects of each class by name. images, detections: how many were evaluated.
    curves: precision against recall at IoU 0.5. breakdown: by overlap and size. diagnosis: where the mistakes
    lie.
    """

    overall: dict[str, Value]
    per_class: dict[str, dict[str, Value]]
    truths: dict[str, int]
    images: int
    detections: int
    curves: PrecisionRecall
    breakdown: Breakdown
    diagnosis: Diagnosis

    def to_dict(self) -> dict[str, Any]:
        """Plain values for metrics.json: overall metrics, counts, breakdown, diagnosis, then `per_class`."""
        per_class: dict[str, dict[str, Any]] = {}
        for label, (name, values) in enumerate(self.per_class.items()):
            own = self.breakdown.to_dict(slice(label, label + 1))
            per_class[name] = {**values, "truths": self.truths[name], **own}
        counts = {
            "images": self.images,
            "truths": sum(self.truths.values()),
            "detections": self.detections,
        }
        return {
            **self.overall,
            **precision_at_recall(self.curves),
            **counts,
            **self.breakdown.to_dict(),
            **self.diagnosis.to_dict(),
            "per_class": per_class,
        }

    def scalars(self) -> dict[str, Value]:
        """Every overall value by name, to log."""
        return {**self.overall, **self.breakdown.scalars(), **self.diagnosis.scalars()}

    def table(self) -> str:
        """Plain text: a line for all classes, one for each, or for the worst of many, and the breakdown.

        A dash stands where there is no truth.
        """
        names = worst({name: values["AP"] for name, values in self.per_class.items()})
        width = max(len("class"), *(len(name) for name in ("all", *names)))
        lines = [f"{'class':<{width}}  {'truths':>7}" + "".join(f"  {name:>6}" for name in NAMES)]
        rows = [("all", sum(self.truths.values()), self.overall)]
        rows += [(name, self.truths[name], self.per_class[name]) for name in names]
        for name, truths, values in rows:
            cells = "".join(f"  {shown(values[metric]):>6}" for metric in NAMES)
            lines.append(f"{name:<{width}}  {truths:>7}{cells}")
        rest = told(len(names), len(self.per_class), "AP")
        return "\n".join((*lines, *([rest] if rest else []), "", self.breakdown.table()))


def coco_ground_truth(annotations: Annotations) -> dict[str, Any]:
    """The annotations in COCO's format, regions to ignore as crowds (see the module's docstring)."""
    return coco_document(annotations, [record.path.name for record in annotations.records])


def coco_values(tables: CocoTables, classes: slice = slice(None)) -> dict[str, Value]:
    """NAMES -> value over some of the classes."""
    precision, recall = tables.precision[:, :, classes], tables.recall[:, classes]
    measured = (
        precision[..., 0],
        precision[0, ..., 0],
        precision[5, ..., 0],
        precision[..., 1],
        precision[..., 2],
        precision[..., 3],
        recall[..., 0],
    )
    return {name: mean_measured(table) for name, table in zip(NAMES, measured, strict=True)}
