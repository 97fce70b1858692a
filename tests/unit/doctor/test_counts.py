from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.doctor.counts import warnings_of
from detector.doctor.disorder import Disorder, disorder_of
from tests.unit.doctor.builders import record_of, scene

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


def warnings(folder: Path, frames: list[np.ndarray]) -> list[str]:
    records = []
    for number, counts in enumerate(frames):
        path = folder / f"{number}.{'png' if counts.dtype.kind == 'u' else 'npy'}"
        np.save(path, counts) if path.suffix == ".npy" else cv2.imwrite(str(path), counts)
        records.append(record_of(path))
    return warnings_of({"train": Annotations(("person", "car"), tuple(records), (1, 2))})


def test_one_line_says_what_a_set_is(tmp_path: Path) -> None:
    whole = scene(0)
    kelvin = (whole / 100).astype(np.float32)
    cases: list[tuple[list[np.ndarray], str]] = [
        (
            [whole, whole, (whole >> 7).astype(np.uint8)],
            "1 frames have 8 bits, 2 have 16 (2.png); one network",
        ),
        (
            [whole, whole.byteswap()],
            "1 of 2 frames have the two bytes of each count in the wrong order (1.png); write them again",
        ),
        (
            [whole, raw_of(whole, "<u4", whole.shape)],
            "1 of 2 frames are of 32-bit numbers read as twice as many of 16 bits: every other one is 0",
        ),
        ([whole, np.zeros_like(whole)], "1 frames are all zero (1.png); take them out"),
        ([whole, np.full_like(whole, 9)], "1 frames have one count in every pixel (1.png); take them out"),
        (
            [whole, whole, kelvin],
            "the frames are not in one unit: 2 in counts, 1 in steps of 0.01 K (2.npy); export all",
        ),
    ]
    for frames, expected in cases:
        found = warnings(tmp_path, frames)
        assert any(line.startswith(expected) for line in found), (expected, found)
    assert warnings(tmp_path, [whole, scene(1)]) == []


def test_what_numbers_are_taken_for_is_said_with_the_key(tmp_path: Path) -> None:
    celsius = (scene(0) / 100 - 273.15).astype(np.float32)
    (line,) = warnings(tmp_path, [celsius, celsius])
    assert line.startswith("of 2 frames the numbers in the files are taken for temperatures in celsius")
    assert "data.unit" in line


def test_files_that_cannot_be_read_are_told_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"damaged")
    records = (record_of(tmp_path / "a.png"),)
    assert warnings_of({"train": Annotations(("person", "car"), records, (1, 2))}) == []
