"""Our network as the function that a pipeline calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from detector.dtypes import at_least_float32
from detector.engine.device import Precision
from detector.inference.pipeline import Pipeline
from detector.inference.postprocess import Postprocess
from detector.structures import Candidates, Detections
from detector.tensors import HeadOutput


class TorchNetwork:
    """A model in eval mode on `precision.device`, and what makes detections of its best candidates."""

    def __init__(self, model: nn.Module, *, postprocess: Postprocess, precision: Precision) -> None:
        self.model = model
        self.postprocess = postprocess
        self.precision = precision

    @torch.no_grad()
    def __call__(
        self, images: np.ndarray, sizes: Sequence[tuple[int, int]], *, least: float = 0.0
    ) -> list[Detections]:
        """Detections of each of the images [B, 1, H, W]; boxes are cut to `sizes`, (height, width) each."""
        tensors = torch.from_numpy(images).to(self.precision.device, memory_format=torch.channels_last)
        with self.precision.autocast():
            output = self.model(tensors)
        return self.postprocess(candidates_of(output, self.postprocess.candidates), sizes, least=least)


@torch.no_grad()
def candidates_of(output: HeadOutput, count: int) -> Candidates:
    """`best_candidates` as arrays: the only time that anything here waits for the device."""
    return Candidates(*(part.cpu().numpy() for part in best_candidates(output, count)))


def best_candidates(output: HeadOutput, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` best (point, class) pairs of each image, or all: boxes [B, K, 4], scores and labels [B, K].

    Best first; scores in [0, 1] float32, labels int64. An exported network answers with these.
    """
    classes = output.logits.shape[2]
    # The sigmoid keeps the order, so only the chosen few pay for it. topk puts NaN first: none slips by.
    pairs = at_least_float32(output.logits).flatten(1)
    best, flat = pairs.topk(min(count, pairs.shape[1]), dim=1)
    points = (flat // classes)[..., None].expand(-1, -1, 4)
    return output.boxes.gather(1, points), best.sigmoid(), flat % classes


def pipeline_of(
    model: nn.Module,
    *,
    classes: tuple[str, ...],
    postprocess: Postprocess,
    precision: Precision,
    batch_size: int,
) -> Pipeline:
    """The pipeline of a model that tells its coarsest stride; UserError for a batch size below 1."""
    stride = model.stride
    assert isinstance(stride, int)
    network = TorchNetwork(model, postprocess=postprocess, precision=precision)
    return Pipeline(network=network, multiple=stride, classes=classes, batch_size=batch_size)
