"""The one way from frames to what is found in them.

Frames with their gain applied go in, one by one; predictions come out in the same order while the next frames
are being read. A pipeline holds a few batches, however long the recording is. What is done to the predictions
after it are stages (stages.py), and where they end up are sinks. Needs no torch: the network is a function
(network.py has ours).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from detector.data.loading.padding import pad_to_multiple
from detector.errors import UserError
from detector.inference.prediction import Prediction
from detector.inference.prefetch import ahead
from detector.structures import Detections, Frame
from detector.thermal.agc import Agc


class Shot(NamedTuple):
    """A frame, and what the network is shown of it: [h, w] float32 in [0, 1], of its size or at a scale."""

    frame: Frame
    image: np.ndarray


class Network(Protocol):
    """What finds objects in images."""

    def __call__(
        self, images: np.ndarray, sizes: Sequence[tuple[int, int]], *, least: float
    ) -> Sequence[Detections]:
        """Detections of each image; images: [B, 1, H, W] float32 in [0, 1], sizes: (height, width) in them.

        least: score of which nobody asks for less; such detections may be left out.
        """
        ...


def shots(frames: Iterable[Frame], gain: Agc) -> Iterator[Shot]:
    """The frames of one recording; a gain that looks at all of them first iterates over them once more."""
    gain = gain.for_sequence(frames)
    for frame in frames:
        yield Shot(frame, gain(frame))


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A network over shots.

    multiple: the network's coarsest stride; images are padded to it, right and below. classes: names by
    label. batch_size: frames that follow each other and are of one size are computed together, up to so many.
    """

    network: Network
    multiple: int
    classes: tuple[str, ...]
    batch_size: int

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"engine.batch_size={self.batch_size}: must be at least 1")

    def __call__(self, shots: Iterable[Shot], *, least: float = 0.0) -> Iterator[Prediction]:
        """A prediction of each, in order. What reading them raises comes after those of the shots before.

        least: score of which nobody asks for less (stages.lowest): less is to be done then.
        """
        # A thread pays where a shot is yet to be made.
        coming = iter(shots) if isinstance(shots, Sequence) else ahead(shots, self.batch_size)
        for batch in _batches(coming, self.batch_size):
            images = np.stack([pad_to_multiple(shot.image, self.multiple) for shot in batch])[:, None]
            found = self.network(images, [shot.image.shape for shot in batch], least=least)
            for (frame, image), detections in zip(batch, found, strict=True):
                yield Prediction(frame, image, _on_frame(detections, image, frame), self.classes)


def _on_frame(detections: Detections, image: np.ndarray, frame: Frame) -> Detections:
    """Boxes in pixels of the frame, of which a gain may show fewer."""
    if image.shape == frame.size:
        return detections
    factors = np.divide(frame.size[::-1], image.shape[::-1], dtype=np.float32)
    return replace(detections, boxes=detections.boxes * np.tile(factors, 2))


def _batches(shots: Iterator[Shot], size: int) -> Iterator[list[Shot]]:
    """Neighbours of one size, up to `size` of them; of a source that breaks, first what it gave."""
    batch: list[Shot] = []
    try:
        for shot in shots:
            if batch and shot.frame.size != batch[0].frame.size:
                yield batch
                batch = []
            batch.append(shot)
            if len(batch) == size:
                yield batch
                batch = []
    except UserError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
