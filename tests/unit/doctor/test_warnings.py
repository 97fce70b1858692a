from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.doctor.warnings import warnings_of
from detector.structures import Frame
from detector.thermal.agc import BitDepthRange, Percentile, PlateauEqualisation
from detector.thermal.palettes import colours_of
from tests.unit.doctor.builders import record_of, scene
from tests.unit.doctor.test_counts import raw_of


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
            "1 frames have 8 bits, 2 have 16 (2.png); the gains percentile, plateau and clahe show",
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


@pytest.mark.parametrize("name", ["percentile", "plateau", "bit_depth"])
def test_which_gains_show_both_depths_alike(name: str) -> None:
    """As the line about a set of both says: within a step of the 8 bits but for the camera's full range."""
    deep = scene(0)
    low, high = float(deep.min()), float(deep.max())
    shallow = np.rint((deep - low) * (255 / (high - low))).astype(np.uint8)
    gain = {
        "percentile": Percentile(low=1, high=99, min_span=16),
        "plateau": PlateauEqualisation(limit=1, min_levels=16),
        "bit_depth": BitDepthRange(),
    }[name]
    apart = np.abs(gain(Frame(deep, 16, "a")) - gain(Frame(shallow, 8, "a"))).mean()
    assert apart > 0.1 if name == "bit_depth" else apart < 0.02


def test_files_that_cannot_be_read_and_colours_are_told_as_the_doctor_would(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    cv2.imwrite(str(tmp_path / "b.png"), colours_of("iron")[scene(0) // 256][..., ::-1])
    records = tuple(record_of(tmp_path / name) for name in ("a.png", "b.png"))
    lost, coloured = warnings_of({"train": Annotations(("person", "car"), records, (1, 2))})
    assert lost.startswith("1 of 2 frames cannot be read: holds no picture but where Git LFS keeps it")
    assert "(a.png)" in lost
    assert coloured.startswith("1 of 2 frames are in colour (b.png); ")
    assert "data.colour=" in coloured
