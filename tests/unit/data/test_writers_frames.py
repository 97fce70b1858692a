"""Frames that become files come back with every count and their depth."""

from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.writers.coco import write_coco_frames
from detector.data.writers.frames import save_frames
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal import io
from tests.built import built
from tests.unit.data.made import HEIGHT, WIDTH, record


@dataclass(frozen=True)
class Anything:
    """A calibration that nobody asks."""

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def frame(bit_depth: int = 8, *, calibration: Anything | None = None) -> Frame:
    """Counts up to the largest of the depth, which the first pixel has."""
    rng = np.random.default_rng(bit_depth)
    counts = rng.integers(0, 2**bit_depth, (HEIGHT, WIDTH), np.uint8 if bit_depth <= 8 else np.uint16)
    counts[0, 0] = 2**bit_depth - 1
    return Frame(counts, bit_depth, "made", calibration=calibration)


@pytest.mark.parametrize(
    ("bit_depth", "suffix"), [(8, ".png"), (16, ".png"), (14, ".pgm"), (10, ".pgm"), (7, ".pgm")]
)
def test_counts_and_depth_come_back(tmp_path: Path, bit_depth: int, suffix: str) -> None:
    made = frame(bit_depth)
    (name,) = save_frames([made], [Path("own/a.b.tiff")], tmp_path / "new")
    assert name == PurePath(f"a.b{suffix}")
    found = io.read(tmp_path / "new" / name)
    assert (found.bit_depth, found.counts.dtype) == (bit_depth, made.counts.dtype)
    np.testing.assert_array_equal(found.counts, made.counts)


def test_names_keep_their_sub_folders_and_must_differ(tmp_path: Path) -> None:
    pictures = [Path("own/one/0.jpg"), Path("own/two/0.jpg"), Path("own/one/0.jpg")]
    names = save_frames([frame()] * 3, pictures, tmp_path / "new")
    assert [name.as_posix() for name in names] == ["one/0.png", "two/0.png", "one/0.png"]
    with pytest.raises(UserError, match=r"own/0\.jpg and own/0\.png would share one name"):
        save_frames([frame()] * 2, [Path("own/0.jpg"), Path("own/0.png")], tmp_path / "other")


def test_lost_calibrations_are_counted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [frame(), frame(calibration=Anything()), frame(calibration=Anything())]
    save_frames(frames, [Path(f"{number}.jpg") for number in range(3)], tmp_path)
    (message,) = caplog.messages
    assert "the calibrations of 2 frames: left out" in message


def test_a_set_of_new_frames_is_read_back_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    truth = [((1, 2, 4, 8), 0, False)]
    records = tuple(record(Path(f"own/{key}.jpg"), truth, image_id=key, sequence="walk") for key in (3, 4))
    made = {"train": Annotations(("person",), records, (1,))}

    def broken():
        yield frame(14)
        raise UserError("own/4.jpg: cut short")

    with pytest.raises(UserError, match="cut short"):
        write_coco_frames(made, tmp_path / "out", frames={"train": broken()})
    assert list(tmp_path.iterdir()) == []
    frames = [frame(14), frame(16)]
    write_coco_frames(made, tmp_path / "out", frames={"train": iter(frames)})
    read = built("data/coco", root=tmp_path / "out").load("train").records
    assert [(item.image_id, item.sequence, item.path.name) for item in read] == [
        (3, "walk", "3.pgm"),
        (4, "walk", "4.png"),
    ]
    for item, own in zip(read, frames, strict=True):
        np.testing.assert_array_equal(io.read(item.path).counts, own.counts)
        np.testing.assert_array_equal(item.boxes, [[1, 2, 4, 8]])
