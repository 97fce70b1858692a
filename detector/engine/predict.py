"""A model over frames that nobody has labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from torch import nn

from detector.engine.detect import Postprocessing
from detector.engine.device import Precision
from detector.inference.preprocess import network_input
from detector.structures import Detections, Frame
from detector.thermal.agc import Agc


@dataclass(frozen=True, eq=False)
class Prediction:
    """A frame, what the network saw of it ([H, W] float32 in [0, 1], without padding), and what it found."""

    frame: Frame
    image: np.ndarray
    detections: Detections


@torch.no_grad()
def predict(
    model: nn.Module,
    frames: Iterable[Frame],
    *,
    agc: Agc,
    multiple: int,
    postprocess: Postprocessing,
    precision: Precision,
    batch_size: int,
) -> Iterator[Prediction]:
    """Predictions in the order of the frames, on the CPU, from a model in eval mode on `precision.device`.

    agc: the gain of this recording (`Agc.for_sequence`). multiple: the network's coarsest stride. Frames that
    follow each other and are of one size are computed together, up to `batch_size` of them; no more are held.
    """
    for _, alike in groupby(frames, key=lambda frame: frame.size):
        while batch := list(islice(alike, batch_size)):
            inputs = torch.cat([network_input(frame, agc, multiple=multiple) for frame in batch])
            images = inputs.to(precision.device, memory_format=torch.channels_last)
            with precision.autocast():
                output = model(images)
            found = postprocess(output, [frame.size for frame in batch])
            for frame, image, detections in zip(batch, inputs[:, 0].numpy(), found, strict=True):
                height, width = frame.size
                yield Prediction(frame, image[:height, :width], detections)
