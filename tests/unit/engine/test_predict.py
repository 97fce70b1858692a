"""Frames in, predictions out, in order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from detector.engine.device import pick_precision
from detector.engine.predict import Prediction, predict
from detector.structures import Detections, Frame
from detector.thermal.agc import FixedRange

SIZES = [(5, 7), (5, 7), (5, 7), (8, 8), (5, 7)]


class Recorder(nn.Module):
    """Keeps what it is shown and gives it back."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return images


def one_each(output: Tensor, sizes: list[tuple[int, int]]) -> list[Detections]:
    """The brightness of every image as its score, its size as its box."""
    return [
        Detections(
            np.array([[0, 0, width, height]], np.float32),
            image.amax().reshape(1).numpy(),
            np.zeros(1, np.int64),
        )
        for image, (height, width) in zip(output, sizes, strict=True)
    ]


def predictions(model: nn.Module, *, batch_size: int) -> list[Prediction]:
    frames = (Frame(np.full(size, 10 * k, np.uint16), 16, str(k)) for k, size in enumerate(SIZES))
    precision = pick_precision("fp32", torch.device("cpu"))
    gain = FixedRange(0, 100)
    return list(
        predict(
            model,
            frames,
            agc=gain,
            multiple=4,
            postprocess=one_each,
            precision=precision,
            batch_size=batch_size,
        )
    )


def test_frames_of_one_size_share_a_batch_and_keep_their_order():
    model = Recorder()
    found = predictions(model, batch_size=2)
    assert [images.shape for images in model.seen] == [(2, 1, 8, 8), (1, 1, 8, 8), (1, 1, 8, 8), (1, 1, 8, 8)]
    assert [prediction.frame.source for prediction in found] == ["0", "1", "2", "3", "4"]
    for k, prediction in enumerate(found):
        assert prediction.image.shape == prediction.frame.size == SIZES[k]
        np.testing.assert_allclose(prediction.image, k / 10)
        np.testing.assert_allclose(prediction.detections.scores, [k / 10], rtol=1e-6)
        height, width = SIZES[k]
        assert prediction.detections.boxes.tolist() == [[0, 0, width, height]], "sizes before padding"


def test_no_more_frames_are_read_than_a_batch_needs():
    read = []

    def frames():
        for k in range(10):
            read.append(k)
            yield Frame(np.zeros((8, 8), np.uint16), 16, str(k))

    found = predict(
        Recorder(),
        frames(),
        agc=FixedRange(0, 1),
        multiple=4,
        postprocess=one_each,
        precision=pick_precision("fp32", torch.device("cpu")),
        batch_size=3,
    )
    next(found)
    assert len(read) <= 4
