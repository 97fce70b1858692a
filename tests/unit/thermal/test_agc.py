import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc import Agc, BitDepthRange, FixedRange, Percentile, normalise


def frame_of(values: list[int] | np.ndarray, bits: int = 16) -> Frame:
    counts = np.asarray(values, np.uint8 if bits == 8 else np.uint16)
    return Frame(np.atleast_2d(counts), bits, "test")


def test_fixed_range_hand_computed() -> None:
    image = FixedRange(7000, 9000)(frame_of([0, 7000, 7500, 8000, 9000, 65535]))
    np.testing.assert_allclose(image, [[0, 0, 0.25, 0.5, 1, 1]])
    assert image.dtype == np.float32


def test_bit_depth_range_spans_all_counts() -> None:
    np.testing.assert_allclose(BitDepthRange()(frame_of([0, 51, 255], 8)), [[0, 0.2, 1]])
    np.testing.assert_allclose(BitDepthRange()(frame_of([0, 13107, 65535], 16)), [[0, 0.2, 1]])
    assert BitDepthRange().window(Frame(np.zeros((1, 1), np.uint16), 14, "test")) == (0, 16383)


def test_neighbouring_16_bit_counts_stay_distinct() -> None:
    counts = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert len(np.unique(FixedRange(0, 65535)(frame_of(counts)))) == 65536


def test_percentile_hand_computed() -> None:
    # 0, 10, ..., 1000: the p-th percentile is 10 p.
    frame = frame_of([10 * k for k in range(101)])
    assert Percentile(5, 95).window(frame) == (50, 950)
    assert Percentile(2.5, 50).window(frame) == (25, 500)


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.integers(0, 65535), min_size=1, max_size=60),
    low=st.floats(0, 49),
    high=st.floats(51, 100),
)
def test_percentile_equals_numpy(values: list[int], low: float, high: float) -> None:
    window = Percentile(low, high, min_span=1e-9).window(frame_of(values))
    expected = np.percentile(np.array(values, np.float64), (low, high))
    np.testing.assert_allclose(window, expected, rtol=1e-9, atol=1e-6)


def test_a_flat_frame_gets_the_least_span_about_its_middle() -> None:
    agc = Percentile(0, 100, min_span=20)
    assert agc.window(frame_of([500, 500, 500])) == (490, 510)
    assert agc.window(frame_of([500, 510])) == (495, 515)
    np.testing.assert_allclose(agc(frame_of([500, 500])), [[0.5, 0.5]])


@pytest.mark.parametrize("agc", [FixedRange(6000, 7000), BitDepthRange(), Percentile(10, 90)])
def test_a_part_of_a_frame_is_normalised_as_in_the_whole(agc: Agc) -> None:
    frame = frame_of(np.random.default_rng(0).integers(5000, 8000, (12, 16)))
    part = normalise(frame.counts[2:9, 3:11], agc.window(frame))
    np.testing.assert_array_equal(part, agc(frame)[2:9, 3:11])
    assert agc(frame).min() >= 0
    assert agc(frame).max() <= 1


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UserError, match="low=5 high=5"):
        FixedRange(5, 5)
    with pytest.raises(UserError, match="percentiles"):
        Percentile(99, 1)
    with pytest.raises(UserError, match="percentiles"):
        Percentile(1, 101)
    with pytest.raises(UserError, match="min_span"):
        Percentile(min_span=0)
