"""Single-term criteria: every positive and every negative, no mining. What the composite is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detector import distributed
from detector.criterion.protocol import BoxLoss, PointLoss
from detector.criterion.terms import box_term, class_targets
from detector.dtypes import at_least_float32, no_autocast
from detector.tensors import Assignment, HeadOutput, LossTerms, Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Dense:
    """L = w_cls sum(classification) / sum(class targets) + w_box L_box, over all points not ignored.

    With cross-entropy on quality targets this is what most one-stage detectors train with today; with hard
    targets the denominator is the number of positives.
    """

    classification: PointLoss
    box: BoxLoss
    cls_weight: float
    box_weight: float
    quality_targets: bool

    def __call__(
        self,
        head_output: HeadOutput,
        assignment: Assignment,
        targets: Targets,  # noqa: ARG002 - the criterion contract; the assignment says it all
        *,
        progress: float | Tensor,  # noqa: ARG002 - nothing here warms up
    ) -> LossTerms:
        with no_autocast(head_output.logits.device):
            logits = at_least_float32(head_output.logits)
            target = class_targets(assignment, classes=logits.shape[-1], quality=self.quality_targets)
            losses = self.classification(logits, target).sum(-1)
            local = [
                torch.where(assignment.ignored, 0, losses).sum(),
                target.sum(),
                assignment.positive.sum(),
            ]
            loss, weight, positives = distributed.world_sums([value.to(losses.dtype) for value in local])
            cls = loss / weight.clamp(min=1)
            box = box_term(head_output, assignment, self.box, quality=self.quality_targets)
            total = self.cls_weight * cls + self.box_weight * box
        parts = {"cls": cls, "box": box, "total": total, "positives": positives}
        return LossTerms(total=total, parts={name: value.detach() for name, value in parts.items()})
