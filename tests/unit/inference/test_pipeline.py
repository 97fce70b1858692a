"""Frames in, predictions out, in order, in constant memory; every way of feeding a network is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from detector.data.loading.dataset import DetectionDataset
from detector.data.loading.loader import train_loader
from detector.data.loading.padding import WholeFrame
from detector.data.loading.sample import Transform
from detector.errors import UserError
from detector.inference.pipeline import Pipeline, Shot, shots
from detector.inference.split import SplitFrames
from detector.structures import Detections, Frame
from detector.thermal import io
from detector.thermal.agc import Agc, FixedRange, Scaled
from tests.built import built
from tests.unit.data.builders import split_on_disk
from tests.unit.data.recipes import patches
from tests.unit.inference.builders import found
from tests.unit.thermal.agc_builders import OF_ONE_FRAME

GAINS = [*OF_ONE_FRAME, built("thermal/sequence")]
SIZES = [(5, 7), (5, 7), (5, 7), (8, 8), (5, 7)]


class Recorder:
    """A network that keeps what it is shown; finds in each image its size, scored by its brightest pixel."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []
        self.least = 0.0

    def __call__(
        self, images: np.ndarray, sizes: Sequence[tuple[int, int]], *, least: float
    ) -> list[Detections]:
        self.seen.append(images)
        self.least = least
        return [
            found(([0, 0, width, height], float(image.max()), 0))
            for image, (height, width) in zip(images, sizes, strict=True)
        ]


def pipeline_of(network: Recorder, *, batch_size: int, multiple: int = 4) -> Pipeline:
    return Pipeline(network=network, multiple=multiple, classes=("person",), batch_size=batch_size)


def frames(sizes: Sequence[tuple[int, int]] = SIZES) -> Iterator[Frame]:
    """Frame k has the count 10 k everywhere."""
    for k, size in enumerate(sizes):
        yield Frame(np.full(size, 10 * k, np.uint16), 16, str(k))


def test_frames_of_one_size_share_a_batch_and_keep_their_order():
    network = Recorder()
    given = list(pipeline_of(network, batch_size=2)(shots(list(frames()), FixedRange(0, 100))))
    assert [images.shape for images in network.seen] == [(2, 1, 8, 8), *3 * [(1, 1, 8, 8)]]
    assert [prediction.frame.source for prediction in given] == ["0", "1", "2", "3", "4"]
    for k, prediction in enumerate(given):
        assert prediction.image.shape == prediction.frame.size == SIZES[k]
        np.testing.assert_allclose(prediction.image, k / 10)
        np.testing.assert_allclose(prediction.scores, [k / 10], rtol=1e-6)
        height, width = SIZES[k]
        assert prediction.boxes.tolist() == [[0, 0, width, height]], "sizes before padding"
        assert prediction.names == ["person"]


def test_the_network_hears_of_which_scores_nobody_asks():
    network = Recorder()
    list(pipeline_of(network, batch_size=2)(list(shots(frames(), FixedRange(0, 100))), least=0.25))
    assert network.least == 0.25


def test_frames_shown_at_a_scale_give_boxes_in_pixels_of_the_frame():
    """A third of 8 x 11 pixels is 3 x 4: each side has its own factor."""
    network = Recorder()
    gain = Scaled(FixedRange(0, 100), 1 / 3)
    (given,) = pipeline_of(network, batch_size=2)(shots(list(frames([(8, 11)])), gain))
    assert network.seen[0].shape == (1, 1, 4, 4), "3 x 4, padded"
    assert given.image.shape == (3, 4)
    assert given.frame.size == (8, 11)
    np.testing.assert_allclose(given.boxes, [[0, 0, 11, 8]], rtol=1e-6)


def test_memory_is_constant_however_long_the_recording_is():
    """No more is read than the batch that is used, the next one, and what a thread makes beside it."""
    read, batch_size = 0, 3

    def endless() -> Iterator[Shot]:
        nonlocal read
        while True:
            read += 1
            yield Shot(Frame(np.zeros((8, 8), np.uint16), 16, "night"), np.zeros((8, 8), np.float32))

    predictions = pipeline_of(Recorder(), batch_size=batch_size)(endless())
    for used in range(1, 100):
        next(predictions)
        assert read <= used + 2 * batch_size
    predictions.close()


def test_what_came_before_a_damaged_frame_is_not_lost():
    def breaking() -> Iterator[Frame]:
        yield from frames([(8, 8)] * 4)
        raise UserError("night frame 4: damaged")

    class Once:
        """A recording's one pass."""

        def __iter__(self) -> Iterator[Frame]:
            return breaking()

    given = pipeline_of(Recorder(), batch_size=3)(shots(Once(), FixedRange(0, 1)))
    assert [next(given).frame.source for _ in range(4)] == ["0", "1", "2", "3"]
    with pytest.raises(UserError, match="frame 4: damaged"):
        next(given)


def test_a_batch_has_at_least_one_frame():
    with pytest.raises(UserError, match=r"engine\.batch_size=0: must be at least 1"):
        pipeline_of(Recorder(), batch_size=0)


@pytest.mark.parametrize("gain", GAINS, ids=lambda gain: type(gain).__name__)
@pytest.mark.parametrize("cache_mib", [0, 1], ids=["read again", "cached"])
def test_training_evaluation_and_prediction_feed_the_same_bits(
    tmp_path: Path, gain: Agc, cache_mib: float
) -> None:
    annotations = split_on_disk(tmp_path, 4, size=(32, 64))

    def trained(transform: Transform) -> dict[int, np.ndarray]:
        dataset = DetectionDataset(annotations, agc=gain, transform=transform, cache_mib=cache_mib)
        return {
            int(image_id): image.numpy()
            for batch in train_loader(dataset, batch_size=2, workers=0, seed=0)
            for image_id, image in zip(batch.image_ids, batch.images, strict=True)
        }

    still = patches((32, 64), scale=(1.0, 1.0), mosaic_probability=0)
    ways = [trained(still), trained(WholeFrame(32))]
    evaluated, predicted = Recorder(), Recorder()
    list(pipeline_of(evaluated, batch_size=1, multiple=32)(SplitFrames(annotations, gain).shots()))
    for record in annotations.records:
        list(pipeline_of(predicted, batch_size=1, multiple=32)(shots([io.read(record.path)], gain)))
    for k, record in enumerate(annotations.records):
        image = predicted.seen[k]
        assert (image.shape, image.dtype) == ((1, 1, 32, 64), np.float32)
        assert image.std() > 0.01
        for fed in (ways[0][record.image_id], ways[1][record.image_id], evaluated.seen[k][0]):
            np.testing.assert_array_equal(fed, image[0])


def test_a_frame_that_needs_padding_is_padded_alike(tmp_path: Path) -> None:
    annotations, gain = split_on_disk(tmp_path, 1, size=(25, 31)), built("thermal/percentile")
    dataset = DetectionDataset(annotations, agc=gain, transform=WholeFrame(32), cache_mib=1)
    network = Recorder()
    frame = io.read(annotations.records[0].path)
    list(pipeline_of(network, batch_size=1, multiple=32)(shots([frame], gain)))
    np.testing.assert_array_equal(network.seen[0][0, 0], dataset[0, 0, 0].image)


def test_every_level_of_a_frame_reaches_the_network() -> None:
    levels = np.arange(2**14, dtype=np.uint16).reshape(128, 128)
    gain, network = built("thermal/percentile", low=0, high=100), Recorder()
    list(pipeline_of(network, batch_size=1, multiple=32)(shots([Frame(levels, 14, "ramp")], gain)))
    assert len(np.unique(network.seen[0])) == 2**14
