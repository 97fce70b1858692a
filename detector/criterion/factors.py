"""The factors of the composite loss, from sums over positives and hard negatives of the whole batch.

Sums come first and means last, because a geometric mean of per-rank means is another loss. `set_loss` is the
F term: F1, or any loss of the three soft counts (F-beta of another beta, Dice, IoU).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from detector.criterion.protocol import SetLoss
from detector.losses.fscore import f_beta_from_sums


class BatchSums(NamedTuple):
    """Scalars summed over the batch and all ranks.

    positive_loss, negative_loss: classification loss summed over positives and over selected negatives;
    positives, negatives: their counts (of negatives, the number mining keeps); tp, fp, fn: soft counts over
    the positives' entries, tp = sum min(p, y), fp = sum p - tp, fn = sum y - tp; negative_p, negative_q: sums
    of p and of 1 - p over the selected negatives'; positive_f1: F1 loss of each positive as a set of its own,
    summed; negative_f1: the same of the background class over the selected negatives.

    For y in {0, 1} min(p, y) is the product p y. For a quality between, the product is never satisfied (its
    F1 asks for p = 1 whatever y is), the minimum is at p = y (Wang et al. 2023, Dice semimetric losses).
    """

    positive_loss: Tensor
    negative_loss: Tensor
    positives: Tensor
    negatives: Tensor
    tp: Tensor
    fp: Tensor
    fn: Tensor
    negative_p: Tensor
    negative_q: Tensor
    positive_f1: Tensor
    negative_f1: Tensor

    @property
    def samples(self) -> Tensor:
        """Positives and hard negatives together, at least 1."""
        return (self.positives + self.negatives).clamp(min=1)


class Factors(Protocol):
    """Sums -> factors to log and combine, by name."""

    def __call__(self, sums: BatchSums, /) -> dict[str, Tensor]: ...


def joint(sums: BatchSums, *, set_loss: SetLoss = f_beta_from_sums) -> dict[str, Tensor]:
    """Two factors: one classification mean and one soft F1, each over positives and hard negatives together.

    The draft's compact form. Neither factor can vanish by predicting nothing, so the mean of the two has no
    trivial optimum.
    """
    return {
        "cls": (sums.positive_loss + sums.negative_loss) / sums.samples,
        "f1": set_loss(sums.tp, sums.fp + sums.negative_p, sums.fn),
    }


def classification(sums: BatchSums) -> dict[str, Tensor]:
    """One factor: the classification mean over positives and hard negatives. Mining, and no F term."""
    return {"cls": (sums.positive_loss + sums.negative_loss) / sums.samples}


def per_sample(sums: BatchSums) -> dict[str, Tensor]:
    """As `joint`, with the mean of every sample's own F1; a negative's is that of the background class.

    A mean of point losses again, bounded and blind to how many positives and negatives there are.
    """
    return {
        "cls": (sums.positive_loss + sums.negative_loss) / sums.samples,
        "f1": (sums.positive_f1 + sums.negative_f1) / sums.samples,
    }


def split(sums: BatchSums, *, set_loss: SetLoss = f_beta_from_sums) -> dict[str, Tensor]:
    """Four factors, hard negatives apart, F1 on them read literally: it is 1 whatever the model says.

    The draft's form. Order: cls_pos, cls_hn, f1_pos, f1_hn.
    """
    return {**_split(sums, set_loss), "f1_hn": torch.ones_like(sums.tp)}


def split_background(sums: BatchSums, *, set_loss: SetLoss = f_beta_from_sums) -> dict[str, Tensor]:
    """As `split`, with the F1 of the background class on the hard negatives: tp = sum(1 - p), fn = sum p."""
    background = set_loss(sums.negative_q, torch.zeros_like(sums.tp), sums.negative_p)
    return {**_split(sums, set_loss), "f1_hn": background}


def _split(sums: BatchSums, set_loss: SetLoss) -> dict[str, Tensor]:
    return {
        "cls_pos": sums.positive_loss / sums.positives.clamp(min=1),
        "cls_hn": sums.negative_loss / sums.negatives.clamp(min=1),
        "f1_pos": set_loss(sums.tp, sums.fp, sums.fn),
    }
