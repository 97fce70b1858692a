"""Pictures that EXIF turns are compared with the boxes; false colours are told with their palette."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.colour import coloured
from detector.thermal.palettes import colours_of
from tests.unit.doctor.builders import Splits, clean_set, examined, faults, message
from tests.unit.thermal.io_builders import exif_orientation, save, with_segments


def each(split: Annotations, write: Callable[[Path, np.ndarray], Path]) -> Annotations:
    """The split with every picture written anew from its counts in 8 bits."""
    records = []
    for record in split.records:
        counts = cv2.normalize(cv2.imread(str(record.path), -1), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
        records.append(replace(record, path=write(record.path, counts)))
    return replace(split, records=tuple(records))


def tagged(number: int, *, turn: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, counts: np.ndarray) -> Path:
        file = save(path.with_suffix(".jpg"), np.ascontiguousarray(turn(counts)))
        file.write_bytes(with_segments(file.read_bytes(), [b"Exif\0\0" + exif_orientation(number)]))
        return file

    return write


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    """A few frames of each split."""
    return {name: replace(split, records=split.records[:6]) for name, split in clean_set(tmp_path).items()}


def half_turn(counts: np.ndarray) -> np.ndarray:
    return counts[::-1, ::-1]


def test_boxes_that_fit_the_turned_pictures(splits):
    every = {name: each(split, tagged(3, turn=half_turn)) for name, split in splits.items()}
    assert "12 pictures are turned" in message(examined(every), "turned pictures")
    assert message(examined(every), "turned pictures").endswith("they fit")


def test_boxes_that_fit_the_pictures_as_stored_are_an_error_with_its_remedy(splits):
    every = {name: each(split, tagged(3, turn=lambda counts: counts)) for name, split in splits.items()}
    found = [f for f in examined(every).findings if f.check == "turned pictures"]
    assert [finding.severity.value for finding in found] == ["error"]
    assert "exiftool -Orientation= FILES" in found[0].advice


def test_shares_of_a_side_that_was_the_other_one(splits):
    """YOLO's boxes of pictures as stored, read as shares of the pictures on their side."""
    every = {}
    for name, split in splits.items():
        on_side = each(split, tagged(6, turn=lambda counts: counts))
        records = tuple(
            replace(
                record,
                width=record.height,
                height=record.width,
                boxes=record.boxes * np.tile([record.height / record.width, record.width / record.height], 2),
            )
            for record in on_side.records
        )
        every[name] = replace(split, records=records)
    assert ("error", "turned pictures") in faults(examined(every))


def test_annotations_of_the_size_before_turning(splits):
    every = {name: each(split, tagged(6, turn=lambda counts: counts)) for name, split in splits.items()}
    assert "12 the annotations give the size before turning" in message(examined(every), "turned pictures")


def painted(path: Path, counts: np.ndarray) -> Path:
    return save(path, colours_of("rainbow")[counts][..., ::-1])


def test_false_colours_are_an_error_that_names_palette_and_setting(splits):
    every = {name: each(split, painted) for name, split in splits.items()}
    examination = examined(every)
    (found,) = (finding for finding in examination.findings if finding.check == "colours")
    assert found.message.startswith("12 of 12 frames are in colour (train_000.png, ")
    assert "palette rainbow (half of the pixels within 0 of its colours, 0% beyond 40)" in found.advice
    assert "data.colour=palette" in found.advice
    assert "files" not in {finding.check for finding in examination.findings}


def test_undone_colours_are_a_note_with_their_error(splits):
    names, painted_splits = list(splits), [each(split, painted) for split in splits.values()]
    every = dict(zip(names, coloured(painted_splits, "palette"), strict=True))
    examination = examined(every)
    assert examination.fit
    assert "data.colour=rainbow" in message(examination, "colours")
    assert "half of the pixels within 0 of its colours, 0% beyond 40" in message(examination, "colours")


def test_brightness_is_a_warning(splits):
    names, painted_splits = list(splits), [each(split, painted) for split in splits.values()]
    every = dict(zip(names, coloured(painted_splits, "luminance"), strict=True))
    assert ("warning", "colours") in faults(examined(every))
