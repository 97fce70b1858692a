"""A set loss in place of a classification loss: all points of the batch are one set, as pixels of a map."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from detector import distributed
from detector.criterion.protocol import BoxLoss, SetLoss
from detector.criterion.terms import box_term, class_targets
from detector.dtypes import at_least_float32, no_autocast
from detector.losses.sums import confusion_sums
from detector.tensors import Assignment, HeadOutput, LossTerms, Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """L = w_cls region(tp, fp, fn) + w_box L_box, soft counts over all points not ignored and all classes.

    region: a loss of the three counts, such as `dice_from_sums` or `soft_iou_from_sums`. Targets are hard.
    """

    region: SetLoss
    box: BoxLoss
    cls_weight: float
    box_weight: float

    def __call__(
        self,
        head_output: HeadOutput,
        assignment: Assignment,
        targets: Targets,  # noqa: ARG002 - the criterion contract; the assignment says it all
        *,
        progress: float | Tensor,  # noqa: ARG002 - nothing here warms up
    ) -> LossTerms:
        with no_autocast(head_output.logits.device):
            probs = at_least_float32(head_output.logits).sigmoid()
            target = class_targets(assignment, classes=probs.shape[-1], quality=False)
            counted = ~assignment.ignored[..., None]
            counts = confusion_sums(probs, target, weights=counted)
            positives = assignment.positive.sum().to(probs.dtype)
            tp, fp, fn, positives = distributed.world_sums([*counts, positives])
            cls = self.region(tp, fp, fn)
            box = box_term(head_output, assignment, self.box, quality=False)
            total = self.cls_weight * cls + self.box_weight * box
        parts = {"cls": cls, "box": box, "total": total, "positives": positives}
        return LossTerms(total=total, parts={name: value.detach() for name, value in parts.items()})
