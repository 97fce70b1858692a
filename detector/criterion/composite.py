"""The composite loss: classification and F1 over positives and mined hard negatives, joined by a mean, plus
box regression on the positives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detector import distributed
from detector.criterion.combine import Combine
from detector.criterion.factors import BatchSums, Factors
from detector.criterion.mining import HardNegatives
from detector.criterion.protocol import BoxLoss, PointLoss
from detector.criterion.terms import box_term, class_targets, positive_rows
from detector.dtypes import at_least_float32, no_autocast
from detector.losses.fscore import f1_from_sums
from detector.tensors import Assignment, HeadOutput, LossTerms, Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Composite:
    """L = w_cls combine(factors) + w_box L_box.

    classification, box: unreduced terms; mining: which negatives count; factors: which sums the mean joins
    (see criterion/factors.py); combine: the mean (criterion/combine.py). quality_targets: classify towards
    the assigner's quality instead of 1, and weight boxes by it.

    Parts beside the factors: `hard_negative_score` is the mean probability over the classes of the selected
    negatives.
    """

    classification: PointLoss
    box: BoxLoss
    mining: HardNegatives
    factors: Factors
    combine: Combine
    cls_weight: float
    box_weight: float
    quality_targets: bool

    def __call__(
        self,
        head_output: HeadOutput,
        assignment: Assignment,
        targets: Targets,  # noqa: ARG002 - the criterion contract; the assignment says it all
        *,
        progress: float | Tensor,
    ) -> LossTerms:
        with no_autocast(head_output.logits.device):
            sums = self._sums(head_output, assignment, progress=progress)
            factors = self.factors(sums)
            combined = self.combine(torch.stack(list(factors.values())))
            box = box_term(head_output, assignment, self.box, quality=self.quality_targets)
            total = self.cls_weight * combined + self.box_weight * box
        parts = {**factors, "combined": combined, "box": box, "total": total}
        counts = {
            "positives": sums.positives,
            "hard_negatives": sums.negatives,
            "hard_negative_score": sums.negative_p.mean() / sums.selected.clamp(min=1),
        }
        return LossTerms(
            total=total, parts={name: value.detach() for name, value in (parts | counts).items()}
        )

    def _sums(
        self, head_output: HeadOutput, assignment: Assignment, *, progress: float | Tensor
    ) -> BatchSums:
        logits = at_least_float32(head_output.logits)
        target = class_targets(assignment, classes=logits.shape[-1], quality=self.quality_targets)
        target = target.to(logits.dtype)
        losses = self.classification(logits, target).sum(-1)
        negative = ~assignment.positive & ~assignment.ignored
        selected, k = self.mining(losses, assignment.positive, negative, progress=progress)

        rows, taken = positive_rows(assignment)
        flat, probs = losses.flatten(), logits.sigmoid().flatten(0, 1)
        p, y = probs.index_select(0, rows), target.flatten(0, 1)[rows]
        hit = torch.minimum(p, y)
        alarm, miss = p - hit, y - hit
        # F1 of every point as a set of C entries by itself; of a negative, that of the background class.
        own = f1_from_sums(hit.sum(-1), alarm.sum(-1), miss.sum(-1))
        said = probs.sum(-1)
        background = f1_from_sums(probs.shape[-1] - said, torch.zeros_like(said), said)
        # Sums over a selection as products with it: one pass forward and none to speak of backward, where
        # torch.where would make a copy of everything in both.
        among_positives, among_negatives = (m.flatten().to(losses.dtype) for m in (taken, selected))
        own_sums = {
            "positive_loss": among_positives @ flat.index_select(0, rows),
            "negative_loss": among_negatives @ flat,
            "positives": among_positives.sum(),
            "selected": among_negatives.sum(),
            "truth": among_positives @ y.sum(-1),
            "tp": among_positives @ hit,
            "fp": among_positives @ alarm,
            "fn": among_positives @ miss,
            "negative_p": among_negatives @ probs,
            "positive_f1": among_positives @ own,
            "negative_f1": among_negatives @ background,
        }
        sums = distributed.world_sums(list(own_sums.values()))
        return BatchSums(negatives=k, **dict(zip(own_sums, sums, strict=True)))
