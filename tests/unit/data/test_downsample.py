"""Fewer pixels: each count the mean of those it covers, and the truth in its place."""

from pathlib import Path

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.downsample import downsample, read_downsampled
from detector.errors import UserError
from detector.structures import IGNORE_LABEL
from tests.unit.data.builders import save_frame
from tests.unit.data.made import HEIGHT, WIDTH, record


def shares(new: int, old: int) -> np.ndarray:
    """[new, old] which part of each new pixel an old one fills, pixel by pixel."""
    ratio = old / new
    return np.array(
        [
            [max(0.0, min((i + 1) * ratio, j + 1) - max(i * ratio, j)) / ratio for j in range(old)]
            for i in range(new)
        ]
    )


@pytest.mark.parametrize("size", [(30, 20), (20, 15), (13, 10), (1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_counts_are_the_nearest_to_the_mean_over_area(tmp_path: Path, size: tuple[int, int], dtype) -> None:
    most = np.iinfo(dtype).max
    counts = np.random.default_rng(0).integers(0, most, (HEIGHT, WIDTH), dtype, endpoint=True)
    save_frame(tmp_path / "a.png", counts)
    width, height = size
    frame = read_downsampled(record(tmp_path / "a.png"), width=width, height=height)
    mean = shares(height, HEIGHT) @ counts.astype(np.float64) @ shares(width, WIDTH).T
    assert (frame.counts.dtype, frame.bit_depth) == (dtype, 8 * counts.itemsize)
    np.testing.assert_allclose(frame.counts, mean, atol=0.51, rtol=0)


def test_halves_do_not_brighten(tmp_path: Path) -> None:
    """2x2 means of 0 and 1 that are a half in most pixels: rounded up they would add an eighth of a count."""
    counts = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH)).astype(np.uint8)
    save_frame(tmp_path / "a.png", counts)
    frame = read_downsampled(record(tmp_path / "a.png"), width=20, height=15)
    mean = counts.reshape(15, 2, 20, 2).mean((1, 3))
    halves = mean % 1 == 0.5
    assert 40 < halves.sum() < 200
    assert (frame.counts[halves] > mean[halves]).mean() == pytest.approx(0.5, abs=0.2)


def test_the_truth_by_hand() -> None:
    """40 x 30 by 0.55 is 22 x 16.5, which becomes 16 pixels: heights shrink by 16 / 30."""
    truth = [((0, 0, 40, 30), 0, False), ((10, 15, 20, 18), 1, True)]
    made = Annotations(("person", "car"), (record(Path("a.png"), truth, sequence="walk"),), (1, 2))
    (found,) = downsample(made, 0.55).records
    assert (found.width, found.height, found.sequence) == (22, 16, "walk")
    np.testing.assert_allclose(found.boxes, [[0, 0, 22, 16], [5.5, 8, 11, 9.6]], rtol=1e-6)
    np.testing.assert_array_equal(found.labels, [0, 1])
    np.testing.assert_array_equal(found.ignored, [False, True])
    assert found.boxes.dtype == np.float32


def test_the_truth_stays_where_the_picture_has_it(tmp_path: Path) -> None:
    """A warm rectangle on whole new pixels: its box holds all of it and nothing else."""
    counts = np.zeros((HEIGHT, WIDTH), np.uint16)
    counts[6:12, 8:24] = 50_000
    save_frame(tmp_path / "a.png", counts)
    made = Annotations(("person",), (record(tmp_path / "a.png", [((8, 6, 24, 12), 0, False)]),), (1,))
    (found,) = downsample(made, 0.5).records
    frame = read_downsampled(made.records[0], width=found.width, height=found.height)
    left, top, right, bottom = found.boxes[0].astype(int)
    inside = np.zeros(frame.size, bool)
    inside[top:bottom, left:right] = True
    np.testing.assert_array_equal(frame.counts, np.where(inside, 50_000, 0))


def test_small_objects_stay_unless_it_is_asked_otherwise() -> None:
    truth = [((0, 0, 8, 3.9), 0, False), ((0, 0, 8, 4), 0, False), ((0, 0, 1, 1), IGNORE_LABEL, True)]
    made = Annotations(("person",), (record(Path("a.png"), truth),), (1,))
    assert downsample(made, 0.5).records[0].ignored.tolist() == [False, False, True]
    found = downsample(made, 0.5, min_side=2).records[0]
    assert found.ignored.tolist() == [True, False, True]
    assert found.labels.tolist() == [0, 0, IGNORE_LABEL]
    empty = Annotations(("person",), (record(Path("a.png")),), (1,))
    assert downsample(empty, 0.5, min_side=2).records[0].boxes.shape == (0, 4)


def test_a_frame_never_vanishes() -> None:
    made = Annotations(("person",), (record(Path("a.png")),), (1,))
    (found,) = downsample(made, 0.001).records
    assert (found.width, found.height) == (1, 1)


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    save_frame(tmp_path / "a.png", np.zeros((HEIGHT, WIDTH + 1), np.uint8))
    with pytest.raises(UserError, match=r"a\.png: the picture is 41x30 .*image id 1\) says 40x30"):
        read_downsampled(record(tmp_path / "a.png"), width=20, height=15)
