"""The one promise: what the network sees of a frame does not depend on who shows it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import eval_loader, train_loader
from detector.data.loading.padding import WholeFrame
from detector.data.loading.sample import Transform
from detector.inference.preprocess import network_input
from detector.structures import Frame
from detector.thermal import io
from detector.thermal.agc import (
    Agc,
)
from tests.built import built
from tests.unit.data.builders import split_on_disk
from tests.unit.data.recipes import patches
from tests.unit.thermal.agc_builders import OF_ONE_FRAME

GAINS = [*OF_ONE_FRAME, built("thermal/sequence")]


@pytest.mark.parametrize("agc", GAINS, ids=lambda agc: type(agc).__name__)
@pytest.mark.parametrize("cache_mib", [0, 1], ids=["read again", "cached"])
def test_training_evaluation_and_prediction_feed_the_same_bits(
    tmp_path: Path, agc: Agc, cache_mib: float
) -> None:
    annotations = split_on_disk(tmp_path, 4, size=(32, 64))

    def images(transform: Transform, *, shuffled: bool) -> dict[int, torch.Tensor]:
        dataset = DetectionDataset(annotations, agc=agc, transform=transform, cache_mib=cache_mib)
        if shuffled:
            batches = train_loader(dataset, batch_size=2, workers=0, seed=0)
        else:
            batches = eval_loader(dataset, batch_size=3, workers=0)
        return {
            int(image_id): image
            for batch in batches
            for image_id, image in zip(batch.image_ids, batch.images, strict=True)
        }

    still = patches((32, 64), scale=(1.0, 1.0), mosaic_probability=0)
    trained, whole = (images(transform, shuffled=True) for transform in (still, WholeFrame(32)))
    evaluated = images(WholeFrame(32), shuffled=False)
    for record in annotations.records:
        frame = io.read(record.path)
        predicted = network_input(frame, agc.for_sequence([frame]), multiple=32)
        assert predicted.shape == (1, 1, 32, 64)
        assert predicted.dtype == torch.float32
        assert predicted.std() > 0.01
        for fed in (trained, whole, evaluated):
            assert torch.equal(fed[record.image_id], predicted[0])


def test_a_frame_that_needs_padding_is_padded_alike(tmp_path: Path) -> None:
    annotations = split_on_disk(tmp_path, 1, size=(25, 31))
    dataset = DetectionDataset(
        annotations, agc=built("thermal/percentile"), transform=WholeFrame(32), cache_mib=1
    )
    frame = io.read(annotations.records[0].path)
    np.testing.assert_array_equal(
        network_input(frame, built("thermal/percentile"), multiple=32)[0, 0], dataset[0].image
    )


def test_every_level_of_a_frame_reaches_the_network() -> None:
    levels = np.arange(2**14, dtype=np.uint16).reshape(128, 128)
    image = network_input(
        Frame(levels, 14, "ramp"), built("thermal/percentile", low=0, high=100), multiple=32
    )
    assert len(image.unique()) == 2**14
