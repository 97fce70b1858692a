"""One way to read the colours of all splits of a set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.data.annotations import Annotations
from detector.data.colour import coloured
from detector.data.frames import read_frame, read_frame_of_size
from detector.data.loading.store import FrameStore
from detector.data.writers.coco import write_coco_references
from detector.errors import UserError
from detector.thermal.agc import Percentile
from detector.thermal.palettes import colours_of
from tests.unit.data.builders import split_on_disk
from tests.unit.thermal.io_builders import exif_orientation, indexed_png, save, with_segments

LEVELS = np.tile(np.arange(256, dtype=np.uint8), (64, 1))


def painted(split: Annotations, counts: np.ndarray, palette: str = "iron") -> Annotations:
    """The split with these counts in false colours for every picture."""
    height, width = counts.shape
    records = []
    for record in split.records:
        file = save(record.path.with_suffix(".png"), colours_of(palette)[counts][..., ::-1])
        records.append(replace(record, path=file, height=height, width=width))
    return replace(split, records=tuple(records))


def test_a_palette_is_found_in_all_splits_together(tmp_path: Path) -> None:
    """The dark pictures alone show a part of it that others have too."""
    dark = painted(split_on_disk(tmp_path / "dark", count=2), LEVELS // 16)
    whole = painted(split_on_disk(tmp_path / "whole", count=2), LEVELS)
    for split in coloured([dark, whole], "palette"):
        assert {record.colour for record in split.records} == {"iron"}
    np.testing.assert_array_equal(read_frame(coloured([dark, whole], "palette")[1].records[0]).counts, LEVELS)


def test_a_set_in_grey_needs_no_palette(tmp_path: Path) -> None:
    (split,) = coloured([split_on_disk(tmp_path, count=2)], "palette")
    assert {record.colour for record in split.records} == {"refuse"}


def test_a_set_whose_files_bring_their_palette(tmp_path: Path) -> None:
    split = painted(split_on_disk(tmp_path, count=2), LEVELS)
    own = np.stack([np.arange(256), np.arange(256) // 2, 255 - np.arange(256)], axis=1).astype(np.uint8)
    for record in split.records:
        record.path.write_bytes(indexed_png(LEVELS, own))
    (found,) = coloured([split], "palette")
    np.testing.assert_array_equal(read_frame(found.records[1]).counts, LEVELS)


def test_photographs_are_of_no_palette(tmp_path: Path) -> None:
    split = painted(split_on_disk(tmp_path, count=1), LEVELS)
    save(split.records[0].path, np.random.default_rng(0).integers(0, 256, (64, 256, 3), dtype=np.uint8))
    with pytest.raises(UserError, match=r"data\.colour=palette: .*a colour picture of no known palette"):
        coloured([split], "palette")


def test_brightness_is_that_of_any_program(tmp_path: Path) -> None:
    split = painted(split_on_disk(tmp_path, count=1), LEVELS)
    (found,) = coloured([split], "luminance")
    grey = cv2.imread(str(split.records[0].path), cv2.IMREAD_GRAYSCALE)
    assert np.abs(read_frame(found.records[0]).counts.astype(int) - grey).max() <= 1


def test_a_word_that_is_no_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.colour=grey: must be one of refuse,"):
        coloured([split_on_disk(tmp_path, count=1)], "grey")


def test_training_on_refused_colours_ends_with_one_line(tmp_path: Path) -> None:
    split = painted(split_on_disk(tmp_path, count=5), LEVELS)
    with pytest.raises(UserError) as caught:
        FrameStore(split, agc=Percentile(low=1, high=99, min_span=1), cache_mib=1)
    assert str(caught.value).startswith(f"{split.records[0].path}: false colours, of the palette iron (")
    assert str(caught.value).count("data.colour=palette") == 1


def test_a_set_that_names_coloured_pictures_says_what_it_needs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = painted(split_on_disk(tmp_path / "set", count=1), LEVELS)
    write_coco_references({"train": split}, tmp_path / "grey")
    assert caplog.text == ""
    write_coco_references({"train": coloured([split], "iron")[0]}, tmp_path / "out")
    assert "give data.colour=iron with this set too" in caplog.text


def test_boxes_of_the_size_before_turning_name_the_remedy(tmp_path: Path) -> None:
    record = split_on_disk(tmp_path, count=1).records[0]
    path = save(tmp_path / "a.jpg", np.zeros((record.height, record.width), np.uint8))
    path.write_bytes(with_segments(path.read_bytes(), [b"Exif\0\0" + exif_orientation(6)]))
    with pytest.raises(UserError, match=r"EXIF turns it, .* exiftool -Orientation= FILES"):
        read_frame_of_size(replace(record, path=path))
