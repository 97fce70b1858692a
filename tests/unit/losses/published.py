"""The losses as their papers and the draft set them, and those of whole sets, for values by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from detector.losses import box, classification, fscore, region
from detector.losses.sums import confusion_sums

focal = partial(classification.focal, alpha=0.25, gamma=2.0)
bce_focal = partial(classification.bce_focal, alpha=1.0, gamma=3.0, bce_weight=0.5, focal_weight=0.5)
varifocal = partial(classification.varifocal, alpha=0.75, gamma=2.0)
nwd_loss = partial(box.nwd_loss, constant=12.8)
giou_nwd_loss = partial(box.giou_nwd_loss, constant=12.8)


def dice(probs: Tensor, targets: Tensor, *, smooth: float = 1.0, **sets: Any) -> Tensor:
    """sets: weights and dim as `confusion_sums` takes them, here and below."""
    return region.dice_from_sums(*confusion_sums(probs, targets, **sets), smooth=smooth)


def soft_iou(probs: Tensor, targets: Tensor, *, smooth: float = 1.0, **sets: Any) -> Tensor:
    return region.soft_iou_from_sums(*confusion_sums(probs, targets, **sets), smooth=smooth)


def soft_f_beta(probs: Tensor, targets: Tensor, *, beta: float, eps: float = 1e-7, **sets: Any) -> Tensor:
    return fscore.f_beta_from_sums(*confusion_sums(probs, targets, **sets), beta=beta, eps=eps)


soft_f1 = partial(soft_f_beta, beta=1.0)
