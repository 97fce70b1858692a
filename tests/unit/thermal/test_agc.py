"""What all gains have in common."""

from collections.abc import Iterator

import numpy as np
import pytest

from detector.structures import Frame
from detector.thermal.agc import (
    Agc,
    BitDepthRange,
    Clahe,
    FixedRange,
    normalise,
)
from tests.built import built
from tests.unit.thermal.agc_builders import OF_ONE_FRAME, frame_of, scene

ALL = [*OF_ONE_FRAME, built("thermal/sequence", low=0, high=100)]


def ids(agc: Agc) -> str:
    return type(agc).__name__


@pytest.mark.parametrize("agc", ALL, ids=ids)
@pytest.mark.parametrize("frame", [scene(), frame_of(scene().counts // 40, 8)], ids=["14 bits", "8 bits"])
def test_a_part_of_what_was_prepared_is_that_part_of_the_image(agc: Agc, frame: Frame) -> None:
    agc = agc.for_sequence([frame])
    image = agc(frame)
    counts, window = agc.prepare(frame)
    assert counts.dtype in (np.uint8, np.uint16)
    np.testing.assert_array_equal(normalise(counts[2:9, 3:11], window), image[2:9, 3:11])
    assert image.dtype == np.float32
    assert image.shape == frame.size
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("agc", OF_ONE_FRAME, ids=ids)
def test_a_gain_that_needs_no_recording_reads_none(agc: Agc) -> None:
    def unread() -> Iterator[Frame]:
        raise AssertionError("frames were read")
        yield

    assert agc.for_sequence(unread()) == agc


@pytest.mark.parametrize("agc", [agc for agc in ALL if not isinstance(agc, Clahe)], ids=ids)
def test_one_curve_for_the_whole_frame_keeps_the_order_of_counts(agc: Agc) -> None:
    frame = scene()
    values = agc.for_sequence([frame])(frame).ravel()[np.argsort(frame.counts, axis=None)]
    assert (np.diff(values) >= 0).all()
    assert len(np.unique(values)) > 20


def test_the_frame_is_left_as_it_is() -> None:
    frame = scene()
    for agc in ALL:
        agc.for_sequence([frame])(frame)
    np.testing.assert_array_equal(frame.counts, scene().counts)


@pytest.mark.parametrize(
    "agc",
    [
        FixedRange(0, 65535),
        BitDepthRange(),
        built("thermal/sequence", low=0, high=100),
        built("thermal/plateau"),
        built("thermal/plateau", limit=np.inf),
    ],
    ids=str,
)
def test_neighbouring_16_bit_counts_stay_distinct(agc: Agc) -> None:
    frame = frame_of(np.arange(65536).reshape(256, 256))
    assert len(np.unique(agc.for_sequence([frame])(frame))) == 65536
