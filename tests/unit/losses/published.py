"""The losses with the settings of their papers and of the draft, of which values by hand are."""

from __future__ import annotations

from functools import partial

from detector.losses import box, classification, region

focal = partial(classification.focal, alpha=0.25, gamma=2.0)
bce_focal = partial(classification.bce_focal, alpha=1.0, gamma=3.0, bce_weight=0.5, focal_weight=0.5)
varifocal = partial(classification.varifocal, alpha=0.75, gamma=2.0)
dice = partial(region.dice, smooth=1.0)
soft_iou = partial(region.soft_iou, smooth=1.0)
nwd_loss = partial(box.nwd_loss, constant=12.8)
giou_nwd_loss = partial(box.giou_nwd_loss, constant=12.8)
