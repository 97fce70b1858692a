from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc import BitDepthRange, FixedKelvin, FixedRange, Percentile, SequenceRange
from tests.built import built
from tests.unit.thermal.agc_builders import frame_of, scene


@dataclass(frozen=True)
class Square:
    """kelvin = slope sqrt(counts): a camera whose counts are not linear in temperature."""

    slope: float

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        return self.slope * np.sqrt(counts)

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        return (kelvin / self.slope) ** 2


class Falling:
    """Counts fall with temperature, and there are none above 300 K."""

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        return 300.0 - counts

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        return np.where(kelvin > 300, np.nan, 300.0 - kelvin)


def window_of(agc: Percentile | BitDepthRange, frame: Frame) -> tuple[float, float]:
    counts, window = agc.prepare(frame)
    assert counts is frame.counts
    return window


def test_fixed_range_hand_computed() -> None:
    image = FixedRange(7000, 9000)(frame_of([0, 7000, 7500, 8000, 9000, 65535]))
    np.testing.assert_allclose(image, [[0, 0, 0.25, 0.5, 1, 1]])


def test_bit_depth_range_spans_all_counts() -> None:
    np.testing.assert_allclose(BitDepthRange()(frame_of([0, 51, 255], 8)), [[0, 0.2, 1]])
    np.testing.assert_allclose(BitDepthRange()(frame_of([0, 13107, 65535], 16)), [[0, 0.2, 1]])
    assert window_of(BitDepthRange(), Frame(np.zeros((1, 1), np.uint16), 14, "test")) == (0, 16383)


def test_a_range_in_kelvin_is_linear_in_kelvin() -> None:
    # 250, 300, 276, 350 and 0 K.
    frame = replace(frame_of([15625, 22500, 19044, 30625, 0]), calibration=Square(2.0))
    expected = [[0, 1, 0.52, 1, 0]]
    np.testing.assert_allclose(
        built("thermal/fixed_kelvin", low=250.0, high=300.0)(frame), expected, atol=1e-5
    )


def test_one_temperature_has_one_value_on_every_camera() -> None:
    kelvin = np.array([[255.0, 270.0, 299.0]])
    images = []
    for slope in (1.2, 2.0):
        counts = np.rint(Square(slope).to_counts(kelvin)).astype(np.uint16)
        frame = Frame(counts, 16, "camera", calibration=Square(slope))
        images.append(FixedKelvin(250.0, 300.0, Square(99.0))(frame))
    np.testing.assert_allclose(images, [[[0.1, 0.4, 0.98]]] * 2, atol=1e-3)


def test_the_calibration_of_the_settings_serves_frames_without() -> None:
    agc = FixedKelvin(250.0, 300.0, Square(2.0))
    np.testing.assert_allclose(agc(frame_of([15625, 19044])), [[0, 0.52]], atol=1e-5)
    with pytest.raises(
        UserError, match=r"^test: says nothing of how its counts become kelvin: .*calibration"
    ):
        built("thermal/fixed_kelvin", low=250.0, high=300.0)(frame_of([15625]))


def test_warm_is_bright_where_counts_fall_with_temperature() -> None:
    image = FixedKelvin(250.0, 290.0, Falling())(frame_of([0, 10, 30, 50, 9000]))
    np.testing.assert_allclose(image, [[1, 1, 0.5, 0, 0]], atol=1e-5)


def test_a_calibration_without_that_range_is_refused() -> None:
    with pytest.raises(UserError, match=r"^test: its calibration has no .*250.0 to 301.0 K \(50 to nan\)"):
        FixedKelvin(250.0, 301.0, Falling())(frame_of([10]))


def test_percentile_hand_computed() -> None:
    # 0, 10, ..., 1000: the p-th percentile is 10 p.
    frame = frame_of([10 * k for k in range(101)])
    assert window_of(built("thermal/percentile", low=5, high=95), frame) == (50, 950)
    assert window_of(built("thermal/percentile", low=2.5, high=50), frame) == (25, 500)


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.integers(0, 65535), min_size=1, max_size=60),
    low=st.floats(0, 49),
    high=st.floats(51, 100),
)
def test_percentile_equals_numpy(values: list[int], low: float, high: float) -> None:
    window = window_of(Percentile(low, high, min_span=1e-9), frame_of(values))
    expected = np.percentile(np.array(values, np.float64), (low, high))
    np.testing.assert_allclose(window, expected, rtol=1e-9, atol=1e-6)


def test_a_flat_frame_gets_the_least_span_about_its_middle() -> None:
    agc = Percentile(0, 100, min_span=20)
    assert window_of(agc, frame_of([500, 500, 500])) == (490, 510)
    assert window_of(agc, frame_of([500, 510])) == (495, 515)
    np.testing.assert_allclose(agc(frame_of([500, 500])), [[0.5, 0.5]])


def test_a_recording_s_range_is_that_of_all_its_frames_in_any_order() -> None:
    frames = [scene(seed, size) for seed, size in enumerate([(9, 14), (24, 32), (5, 40)])]
    everything = np.concatenate([frame.counts.ravel() for frame in frames]).astype(np.float64)
    expected = np.percentile(everything, (2, 97))
    for order in (frames, frames[::-1]):
        agc = built("thermal/sequence", low=2, high=97).for_sequence(iter(order))
        for frame in frames:
            counts, window = agc.prepare(frame)
            assert counts is frame.counts
            np.testing.assert_allclose(window, expected, rtol=1e-9)


def test_a_recording_of_one_frame_is_gained_as_that_frame() -> None:
    for frame in (scene(), frame_of([70, 70, 71], 8)):
        assert SequenceRange(1, 99, 30).for_sequence([frame]).prepare(frame)[1] == window_of(
            Percentile(1, 99, 30), frame
        )


def test_a_recording_s_range_is_not_guessed() -> None:
    agc = built("thermal/sequence").for_sequence([])
    with pytest.raises(RuntimeError, match="for_sequence"):
        agc(scene())


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UserError, match="low=5 high=5"):
        FixedRange(5, 5)
    for low, high in ((-10, 40), (300, 300)):
        with pytest.raises(UserError, match=f"low={low} high={high} .*273.15"):
            built("thermal/fixed_kelvin", low=low, high=high)
    for name in ("percentile", "sequence"):
        with pytest.raises(UserError, match="percentiles"):
            built(f"thermal/{name}", low=99, high=1)
        with pytest.raises(UserError, match="percentiles"):
            built(f"thermal/{name}", low=1, high=101)
        with pytest.raises(UserError, match="min_span"):
            built(f"thermal/{name}", min_span=0)
