"""The factors of the composite loss, from sums over positives and hard negatives of the whole batch.

Sums come first and means last, because a geometric mean of per-rank means is another loss. `set_loss` is the
F term: F1, or any loss of the three soft counts (F-beta of another beta, Dice, IoU).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from detector.criterion.protocol import SetLoss
from detector.losses.fscore import f1_from_sums


class BatchSums(NamedTuple):
    """Sums over the batch and all ranks: scalars, and [C] where one of each class is named.

    positive_loss, negative_loss: classification loss summed over positives and over selected negatives;
    positives: their count; selected: that of the selected negatives, negatives: the number that mining keeps,
    less while every negative is selected; truth: sum of the positives' targets y; tp, fp, fn [C]: soft counts
    over the positives' entries, tp = sum min(p, y), fp = sum p - tp, fn = sum y - tp; negative_p [C]: sum of
    p over the selected negatives'; positive_f1: F1 loss of each positive as a set of its own, summed;
    negative_f1: the same of the background class over the selected negatives.

    For y in {0, 1} min(p, y) is the product p y. For a quality between, the product is never satisfied (its
    F1 asks for p = 1 whatever y is), the minimum is at p = y (Wang et al. 2023, Dice semimetric losses).
    """

    positive_loss: Tensor
    negative_loss: Tensor
    positives: Tensor
    selected: Tensor
    negatives: Tensor
    truth: Tensor
    tp: Tensor
    fp: Tensor
    fn: Tensor
    negative_p: Tensor
    positive_f1: Tensor
    negative_f1: Tensor

    @property
    def classification(self) -> Tensor:
        """Loss over positives and hard negatives per unit of truth.

        As in `Dense`: with quality targets a mean over samples would shrink as 1 / (1 + ratio) and with the
        quality, and the box term would drown it.
        """
        return (self.positive_loss + self.negative_loss) / self.truth.clamp(min=1)


class Factors(Protocol):
    """Sums -> factors to log and combine, by name."""

    def __call__(self, sums: BatchSums, /) -> dict[str, Tensor]: ...


def joint(sums: BatchSums, *, set_loss: SetLoss = f1_from_sums) -> dict[str, Tensor]:
    """Two factors: one classification loss and one soft F1, each over positives and hard negatives together.

    The draft's compact form. Neither factor can vanish by predicting nothing, so the mean of the two has no
    trivial optimum.
    """
    alarm = sums.fp + sums.negative_p
    return {
        "cls": sums.classification,
        "f1": set_loss(sums.tp.sum(), alarm.sum(), sums.fn.sum()),
    }


def per_class(sums: BatchSums, *, set_loss: SetLoss = f1_from_sums) -> dict[str, Tensor]:
    """As `joint`, with the mean of the F1 of each class that has positives in the batch (macro F1).

    The pooled F1 of `joint` is highest when a class that is hard or rare is never predicted at all: its
    false alarms cost what the easy classes have won. Here every class answers for its own. Without positives
    it is 1.
    """
    present = sums.tp + sums.fn > 0
    loss = torch.where(present, set_loss(sums.tp, sums.fp + sums.negative_p, sums.fn), 0).sum()
    count = present.sum()
    return {"cls": sums.classification, "f1": torch.where(count > 0, loss / count.clamp(min=1), 1)}


def classification(sums: BatchSums) -> dict[str, Tensor]:
    """One factor: the classification loss over positives and hard negatives. Mining, and no F term."""
    return {"cls": sums.classification}


def per_sample(sums: BatchSums) -> dict[str, Tensor]:
    """As `joint`, with the mean of every sample's own F1; a negative's is that of the background class.

    A mean of point losses again, bounded and blind to how many positives and negatives there are.
    """
    samples = (sums.positives + sums.negatives).clamp(min=1)
    return {"cls": sums.classification, "f1": (sums.positive_f1 + sums.negative_f1) / samples}


def split(sums: BatchSums, *, set_loss: SetLoss = f1_from_sums) -> dict[str, Tensor]:
    """Four factors, hard negatives apart, F1 on them read literally: it is 1 whatever the model says.

    The draft's form. Order: cls_pos, cls_hn, f1_pos, f1_hn.
    """
    return {**_split(sums, set_loss), "f1_hn": torch.ones_like(sums.positives)}


def split_background(sums: BatchSums, *, set_loss: SetLoss = f1_from_sums) -> dict[str, Tensor]:
    """As `split`, with the F1 of the background class on the hard negatives: tp = sum(1 - p), fn = sum p."""
    alarm = sums.negative_p.sum()
    rejected = sums.selected * sums.negative_p.numel() - alarm
    background = set_loss(rejected, torch.zeros_like(rejected), alarm)
    return {**_split(sums, set_loss), "f1_hn": background}


def _split(sums: BatchSums, set_loss: SetLoss) -> dict[str, Tensor]:
    return {
        "cls_pos": sums.positive_loss / sums.positives.clamp(min=1),
        "cls_hn": sums.negative_loss / sums.negatives.clamp(min=1),
        "f1_pos": set_loss(sums.tp.sum(), sums.fp.sum(), sums.fn.sum()),
    }
