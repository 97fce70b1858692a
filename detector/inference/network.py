"""Our network as the function that a pipeline calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from detector.engine.device import Precision
from detector.inference.pipeline import Pipeline
from detector.structures import Detections
from detector.tensors import HeadOutput

Postprocessing = Callable[[HeadOutput, list[tuple[int, int]]], list[Detections]]


class TorchNetwork:
    """A model in eval mode on `precision.device`, and what makes detections of what its head says."""

    def __init__(self, model: nn.Module, *, postprocess: Postprocessing, precision: Precision) -> None:
        self.model = model
        self.postprocess = postprocess
        self.precision = precision

    @torch.no_grad()
    def __call__(self, images: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Detections of each of the images [B, 1, H, W]; boxes are cut to `sizes`, (height, width) each."""
        tensors = torch.from_numpy(images).to(self.precision.device, memory_format=torch.channels_last)
        with self.precision.autocast():
            output = self.model(tensors)
        return self.postprocess(output, list(sizes))


def pipeline_of(
    model: nn.Module,
    *,
    classes: tuple[str, ...],
    postprocess: Postprocessing,
    precision: Precision,
    batch_size: int,
) -> Pipeline:
    """The pipeline of a model that tells its coarsest stride; UserError for a batch size below 1."""
    stride = model.stride
    assert isinstance(stride, int)
    network = TorchNetwork(model, postprocess=postprocess, precision=precision)
    return Pipeline(network=network, multiple=stride, classes=classes, batch_size=batch_size)
