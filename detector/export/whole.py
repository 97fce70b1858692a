"""A detector as one ONNX file from counts to objects, for programs that have nothing but a runtime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from detector.errors import UserError
from detector.export.onnx_file import export_network
from detector.geometry.nms import GreedyNms
from detector.inference.network import best_candidates
from detector.inference.postprocess import Postprocess
from detector.structures import Detections
from detector.thermal.agc import Agc, FixedRange, Percentile, Scaled
from detector.thermal.resolution import scaled_size

OUTPUTS = ("boxes", "scores", "labels")
INPUT = "counts [H, W] int32, as the camera gives them"
OUTPUT = (
    "boxes [N, 4] float32, left, top, right, bottom in pixels; scores [N] float32 in [0, 1]; labels [N] "
    "int64, by number of the class from 0; best first, each object once"
)


class Whole(nn.Module):
    """counts [H, W] int32 -> boxes [N, 4] in pixels, scores [N], labels [N] int64, best first.

    gain, postprocess: as the detector has them. least: the score of each class from which it counts.
    Needs torchvision loaded. Raises UserError for a gain other than of percentiles or a fixed range, for
    frames that are shown smaller than they are, and for a suppression other than greedy.
    """

    def __init__(
        self, network: nn.Module, *, gain: Agc, postprocess: Postprocess, least: Sequence[float], stride: int
    ) -> None:
        super().__init__()
        self.scale = gain.scale if isinstance(gain, Scaled) else 1.0
        gain = gain.gain if isinstance(gain, Scaled) else gain
        if self.scale < 1:
            raise UserError(
                f"form=whole: frames are shown at {self.scale:.3g} of their size, and only enlarging can be "
                "part of a file; export form=onnx"
            )
        if not isinstance(gain, Percentile | FixedRange):
            raise UserError(
                f"form=whole: the gain {type(gain).__name__} cannot be part of a file; train with "
                "thermal=percentile or thermal=fixed, or export form=onnx"
            )
        if not isinstance(postprocess.suppression, GreedyNms):
            raise UserError("form=whole: only postprocess=greedy can be part of a file; export form=onnx")
        self.network, self.gain, self.postprocess, self.stride = network, gain, postprocess, stride
        self.iou_threshold = postprocess.suppression.iou_threshold
        self.least: Tensor
        self.register_buffer("least", torch.tensor(list(least), dtype=torch.float32))

    def forward(self, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        height, width = scaled_size((counts.shape[0], counts.shape[1]), self.scale)
        image = functional.pad(
            self._shown(_enlarged(counts.float(), (height, width))),
            (0, -width % self.stride, 0, -height % self.stride),
        )
        boxes, scores, labels = (
            part[0] for part in best_candidates(self.network(image[None, None]), self.postprocess.candidates)
        )
        boxes = boxes.clamp_min(0).minimum(boxes.new_tensor([width, height, width, height]))
        counting = (scores >= self.least[labels]) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        boxes, scores, labels = boxes[counting], scores[counting], labels[counting]
        # Classes are put where they cannot meet.
        apart = (labels * (2.0 * max(height, width)))[:, None] if self.postprocess.class_aware else 0.0
        kept = torch.ops.torchvision.nms(boxes + apart, scores, self.iou_threshold)[
            : self.postprocess.max_detections
        ]
        pixels = boxes.new_tensor([counts.shape[1] / width, counts.shape[0] / height]).repeat(2)
        return boxes[kept] * pixels, scores[kept], labels[kept]

    def _shown(self, counts: Tensor) -> Tensor:
        if isinstance(self.gain, FixedRange):
            low, high = (counts.new_tensor(end) for end in (self.gain.low, self.gain.high))
        else:
            shares = counts.new_tensor([self.gain.low / 100, self.gain.high / 100])
            low, high = torch.quantile(counts.flatten(), shares)
            middle, span = (low + high) / 2, (high - low).clamp_min(self.gain.min_span)
            low, high = middle - span / 2, middle + span / 2
        return ((counts - low) / (high - low)).clamp(0, 1)


def _enlarged(counts: Tensor, size: tuple[int, int]) -> Tensor:
    """As thermal.resolution.resized, to at least as many pixels."""
    if size == tuple(counts.shape):
        return counts
    values = functional.interpolate(counts[None, None], size, mode="bilinear", align_corners=False)
    return values[0, 0].round()


def write(model: Whole, file: Path, *, size: tuple[int, int]) -> None:
    """Write it for frames of (height, width) pixels."""
    # Only here: loading it takes seconds. The exporter asks it what its suppression is in ONNX.
    import torchvision  # noqa: F401

    example = torch.arange(size[0] * size[1], dtype=torch.int32).reshape(size)
    export_network(model, (example,), file, inputs=("counts",), outputs=OUTPUTS)


def run(file: Path, frames: Iterable[np.ndarray]) -> list[Detections]:
    """What the file finds in counts [H, W], computed by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return [Detections(*session.run(list(OUTPUTS), {"counts": counts.astype(np.int32)})) for counts in frames]
