"""From what the head says to detections: one way for training, evaluation, prediction and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from detector.dtypes import at_least_float32
from detector.errors import UserError
from detector.geometry.nms import Suppression
from detector.structures import Detections
from detector.tensors import HeadOutput, Proposals


@dataclass(frozen=True, kw_only=True)
class Postprocess:
    """Scores, decodes, cuts to the picture and removes doubles.

    score_threshold: in [0, 1]; lower scores are dropped. AP gains from a low one; pictures want 0.3.
    suppression: how doubles are removed; where it lowers scores, `score_threshold` holds after it too.
    class_aware: boxes of different classes are no doubles of each other.
    max_detections: most detections of one image; COCO counts no more than 100 per class.
    candidates: most (point, class) pairs of one image that reach the suppression; bounds its time.

    A point may answer with several classes. Raises UserError at construction for values out of range.
    """

    score_threshold: float
    suppression: Suppression
    class_aware: bool
    max_detections: int
    candidates: int

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise UserError(f"postprocess score_threshold={self.score_threshold}: must lie between 0 and 1")
        for name in ("max_detections", "candidates"):
            value = getattr(self, name)
            if value < 1:
                raise UserError(f"postprocess {name}={value}: must be at least 1")

    @torch.no_grad()
    def __call__(
        self, head_output: HeadOutput, image_sizes: tuple[int, int] | Sequence[tuple[int, int]]
    ) -> list[Detections]:
        """Detections of each of the B images, in pixels of the network's input, best first, on the CPU.

        image_sizes: (height, width) in pixels of every image, or one pair per image: boxes are cut to it, and
        those with nothing inside it are dropped. Raises FloatingPointError where the head's output is not
        finite.
        """
        return [self.suppress(proposed) for proposed in self.propose(head_output, image_sizes)]

    @torch.no_grad()
    def propose(
        self, head_output: HeadOutput, image_sizes: tuple[int, int] | Sequence[tuple[int, int]]
    ) -> list[Proposals]:
        """As a call, with the doubles still there: what several ways of suppression can share."""
        batch = head_output.logits.shape[0]
        sizes = _one_per_image(image_sizes, batch)
        return [self._one_image(head_output.logits[i], head_output.boxes[i], sizes[i]) for i in range(batch)]

    def suppress(self, proposed: Proposals) -> Detections:
        """What `propose` found in one image, best first, without the doubles."""
        boxes, scores, labels = proposed.boxes, proposed.scores, proposed.labels
        groups = labels if self.class_aware else torch.zeros_like(labels)
        chosen, scores = self.suppression(boxes, scores, groups, limit=self.max_detections)
        strong = scores >= self.score_threshold
        chosen, scores = chosen[strong], scores[strong]
        return Detections(
            boxes=boxes[chosen].cpu().numpy(),
            scores=scores.cpu().numpy(),
            labels=labels[chosen].cpu().numpy(),
        )

    def _one_image(self, logits: Tensor, predicted: Tensor, size: tuple[int, int]) -> Proposals:
        """Of one image from logits [P, C] and predicted boxes [P, 4]."""
        classes = logits.shape[1]
        # The sigmoid keeps the order, so only the chosen few pay for it. topk puts NaN first: none slips by.
        best, flat = at_least_float32(logits).flatten().topk(min(self.candidates, logits.numel()))
        scores = best.sigmoid()
        point, labels = flat // classes, flat % classes
        boxes = predicted[point]
        if not bool(torch.isfinite(scores).all() & torch.isfinite(boxes).all()):
            raise FloatingPointError("the head's output is not finite: the weights or the input are broken")

        height, width = size
        limit = boxes.new_tensor([width, height, width, height])
        boxes = boxes.clamp(min=boxes.new_zeros(4), max=limit)
        keep = (scores >= self.score_threshold) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        return Proposals(boxes=boxes[keep], scores=scores[keep], labels=labels[keep])


def _one_per_image(
    image_sizes: tuple[int, int] | Sequence[tuple[int, int]], batch: int
) -> list[tuple[int, int]]:
    """`image_sizes` as one (height, width) per image."""
    sizes = torch.as_tensor(image_sizes)
    sizes = sizes.expand(batch, 2) if sizes.ndim == 1 else sizes
    if sizes.shape != (batch, 2):
        raise ValueError(f"image sizes of shape {tuple(sizes.shape)} for a batch of {batch}")
    return [(height, width) for height, width in sizes.tolist()]
