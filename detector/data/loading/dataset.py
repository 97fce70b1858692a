"""The torch data set over a split's frames."""

from __future__ import annotations

import numpy as np
from torch.utils.data import Dataset

from detector import distributed
from detector.data.annotations import Annotations
from detector.data.loading.sample import Sample, Transform
from detector.data.loading.store import FrameStore
from detector.errors import UserError
from detector.thermal.agc import Agc

# Keeps these random numbers apart from those of an epoch's order, which also follow seed and epoch.
SAMPLE_STREAM = 1


SampleKey = tuple[int, int, int]
"""(epoch, index, turn): turn counts from 0 how often the epoch has shown the picture already."""


class DetectionDataset(Dataset[Sample]):
    """Samples by key.

    All randomness of a sample comes from the seed and its key, so it depends neither on the worker that
    makes it nor on what was made before. Processes that train together make it together.
    """

    def __init__(
        self,
        annotations: Annotations,
        *,
        agc: Agc,
        transform: Transform,
        cache_mib: float,
        seed: int = 0,
    ) -> None:
        self.annotations = annotations
        self.frames = FrameStore(
            annotations,
            agc=agc,
            cache_mib=cache_mib,
            turn=distributed.turn_on_host(),
            gather=distributed.gathered,
        )
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: SampleKey) -> Sample:
        epoch, index, turn = key
        rng = np.random.default_rng((SAMPLE_STREAM, self.seed, epoch, index, turn))
        try:
            return self.transform(self.frames, index, epoch=epoch, rng=rng)
        except UserError as error:
            # torch makes a worker's exception anew from its text alone, which a kind of its own may not take.
            raise UserError(str(error)) from error
