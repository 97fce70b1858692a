import numpy as np
import pytest

from detector.doctor.disorder import Disorder, disorder_of
from tests.unit.doctor.builders import scene

RNG = np.random.default_rng(0)


def raw_of(numbers: np.ndarray, dtype: str, shape: tuple[int, int]) -> np.ndarray:
    """The bytes of 32-bit numbers read as counts of 16 bits."""
    return np.frombuffer(numbers.astype(dtype).tobytes(), "<u2")[: shape[0] * shape[1]].reshape(shape)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [0.05, 0.3, 1, 10])
def test_swapped_scenes_are_told_from_whole_ones(seed: int, spread: float) -> None:
    """From a scene of some 30 counts, all with one high byte, to one of some 8,000."""
    counts = np.clip(30000 + (scene(seed).astype(np.float64) - 30000) * spread, 0, 65535).astype(np.uint16)
    assert disorder_of(counts) is None
    assert disorder_of(counts.byteswap()) is Disorder.SWAPPED


@pytest.mark.parametrize(
    "counts",
    [
        RNG.integers(0, 65536, (60, 80), np.uint16),
        RNG.integers(0, 256, (60, 80)).astype(np.uint16),
        RNG.integers(0, 256, (60, 80)).astype(np.uint16) << 8,
        RNG.integers(0, 256, (60, 80)).astype(np.uint16) * 257,
        RNG.integers(29990, 30010, (60, 80)).astype(np.uint16),
        scene(0) // 16 * 16,
        np.zeros((60, 80), np.uint16),
        np.full((60, 80), 0x1234, np.uint16),
        (scene(0) >> 8).astype(np.uint8),
        np.eye(80, dtype=np.uint16),
        np.full((1, 1), 7, np.uint16),
    ],
)
def test_noise_and_pictures_of_few_bits_are_in_order(counts: np.ndarray) -> None:
    assert disorder_of(counts) is None


@pytest.mark.parametrize("dtype", ["<u4", ">u4", "<i4"])
def test_halves_of_32_bit_numbers(dtype: str) -> None:
    assert disorder_of(raw_of(scene(0), dtype, (60, 80))) is Disorder.HALVES
    assert disorder_of(raw_of(scene(0), dtype, (60, 160))) is Disorder.HALVES
