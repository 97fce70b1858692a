"""Non-maximum suppression: of detections that lie on one object, keep the best.

N boxes in, the indices of those kept out, best first.
"""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import batched_nms

from detector.dtypes import at_least_float32


def greedy_nms(boxes: Tensor, scores: Tensor, labels: Tensor, *, iou_threshold: float) -> Tensor:
    """Indices [K] int64 of the kept boxes, best score first; classes do not suppress each other.

    boxes: [N, 4] xyxy in pixels, floating point, widths and heights > 0.
    scores: [N]. labels: [N] int64.
    iou_threshold: in [0, 1]; a box is dropped when its IoU with a better kept one of its class is above it.
    """
    return batched_nms(at_least_float32(boxes), at_least_float32(scores), labels, iou_threshold)
