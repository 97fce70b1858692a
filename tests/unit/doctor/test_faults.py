"""Every check finds its own fault in a set that has no other, and nothing in one without a fault."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.doctor.classes import check_classes
from detector.doctor.findings import Severity
from detector.doctor.limits import Limits
from tests.built import read
from tests.unit.data.builders import save_frame
from tests.unit.doctor.builders import (
    BOXES,
    TRAIN,
    Splits,
    changed,
    clean_set,
    examined,
    faults,
    message,
    scene,
    with_boxes,
)


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    return clean_set(tmp_path)


def path(splits: Splits, split: str, index: int) -> Path:
    return splits[split].records[index].path


def counts(splits: Splits, split: str, index: int) -> np.ndarray:
    return cv2.imread(str(path(splits, split, index)), cv2.IMREAD_UNCHANGED)


def rewrite(splits: Splits, split: str, change) -> None:
    """Every frame of a split with its counts changed."""
    for index in range(len(splits[split].records)):
        save_frame(path(splits, split, index), change(counts(splits, split, index)))


def test_a_clean_set_is_fit(splits):
    examination = examined(splits)
    assert faults(examination) == set()
    assert examination.fit
    assert "train: corner" in message(examination, "box convention")
    assert "0.0 % of val frames have a near copy in train;" in message(examination, "leak")


def test_a_file_cut_short(splits):
    file = path(splits, "train", 3)
    file.write_bytes(file.read_bytes()[:200])
    examination = examined(splits)
    assert faults(examination) == {("error", "files")}
    assert not examination.fit
    assert "train_003.png" in message(examination, "files")


def test_an_8_bit_file_among_16_bit_ones(splits):
    frame = counts(splits, "train", 5).astype(int)
    save_frame(path(splits, "train", 5), ((frame - frame.min()) // 5).astype(np.uint8))
    examination = examined(splits)
    assert faults(examination) == {("warning", "bit depth")}
    assert "1 frames have 8 bits, 37 have 16 (train_005.png)" in message(examination, "bit depth")


@pytest.mark.parametrize("stretched", [False, True])
def test_8_bit_pictures_in_16_bit_files(splits, stretched):
    def squeeze(frame: np.ndarray) -> np.ndarray:
        eight = ((frame.astype(int) - frame.min()) // 5).clip(0, 255).astype(np.uint16)
        return eight * 257 if stretched else eight

    save_frame(path(splits, "val", 1), squeeze(counts(splits, "val", 1)))
    assert faults(examined(splits)) == {("error", "bit depth")}
    rewrite(splits, "train", squeeze)
    rewrite(splits, "val", lambda frame: frame if frame.max() < 256 or frame.min() == 0 else squeeze(frame))
    assert faults(examined(splits)) == {("warning", "bit depth")}, "all alike can be trained on"


def test_a_raw_scene_of_few_counts_is_not_taken_for_8_bits(splits):
    rewrite(splits, "train", lambda frame: (29000 + (frame.astype(int) - 29000) // 10).astype(np.uint16))
    assert faults(examined(splits)) == set()


def test_a_frame_of_another_size(splits):
    save_frame(path(splits, "train", 0), cv2.resize(counts(splits, "train", 0), (160, 120)))
    examination = examined(splits)
    assert faults(examination) == {("error", "frame size")}
    assert "1 of 160x120" in message(examination, "frame size")


def test_a_closed_shutter(splits):
    save_frame(path(splits, "train", 9), np.full((60, 80), 31000, np.uint16))
    assert faults(examined(splits)) == {("warning", "blank frames")}


def test_clipped_frames(splits):
    rewrite(splits, "val", lambda frame: frame.clip(None, int(np.percentile(frame, 90))))
    assert faults(examined(splits)) == {("warning", "saturation")}


@pytest.mark.parametrize("place", [(slice(30, 31), slice(50, 51)), (slice(None), slice(75, 76))])
@pytest.mark.parametrize("stuck", [True, False])
def test_pixels_that_do_not_see(splits, place, stuck):
    def break_pixels(frame: np.ndarray) -> np.ndarray:
        frame[place] = 29990 if stuck else frame[place] + 1200
        return frame

    for split in splits:
        rewrite(splits, split, break_pixels)
    examination = examined(splits)
    assert faults(examination) == {("warning", "dead pixels")}
    is_column = place[0] == slice(None)
    assert ("column 75" in message(examination, "dead pixels")) == is_column
    assert message(examination, "dead pixels").startswith("60 pixels" if is_column else "1 pixels")


@pytest.mark.parametrize(
    ("shift", "says"),
    [
        (0.5, "x, y of the file are centres"),
        (-0.5, "x, y of the file are corners"),
        ((1, 0), "1 widths to the left"),
    ],
)
def test_boxes_beside_their_objects(splits, shift, says):
    sizes = BOXES[:, 2:] - BOXES[:, :2]
    offset = sizes * np.asarray(shift, np.float32)
    examination = examined(with_boxes(splits, "train", BOXES + np.tile(offset, 2)))
    assert faults(examination) == {("error", "box convention")}
    assert says in message(examination, "box convention")
    (finding,) = (f for f in examination.findings if f.severity is Severity.ERROR)
    np.testing.assert_allclose(finding.exhibits[0][0].marked, BOXES, atol=1e-4)


def test_boxes_of_other_pictures_stand_out_nowhere(splits):
    rng = np.random.default_rng(0)
    records = []
    for record in splits["train"].records:
        corners = rng.uniform(2, 40, (3, 2)).astype(np.float32)
        ends = corners + np.array((10, 12), np.float32)
        records.append(replace(record, boxes=np.concatenate((corners, ends), axis=1)))
        save_frame(record.path, scene(len(records), boxes=BOXES[:0]))
    examination = examined(changed(splits, "train", records=tuple(records)))
    assert ("warning", "box convention") in faults(examination)
    assert "cannot tell corner from centre" in message(examination, "box convention")


@pytest.mark.parametrize(
    ("extra", "label", "says"),
    [
        (BOXES[0], 0, "there twice"),
        (BOXES[0] + 0.2, 0, "lie on another of their class"),
        (BOXES[0], 1, "lie on one of another class"),
    ],
)
def test_an_object_drawn_twice(splits, extra, label, says):
    first, *rest = splits["train"].records
    twice = replace(
        first,
        boxes=np.concatenate((BOXES, extra[None])),
        labels=np.append(first.labels, label),
        ignored=np.zeros(4, bool),
    )
    examination = examined(changed(splits, "train", records=(twice, *rest)))
    assert faults(examination) == {("warning", "duplicate boxes")}
    assert message(examination, "duplicate boxes").startswith("1 boxes")
    assert says in message(examination, "duplicate boxes")


@pytest.mark.parametrize(("side", "severity"), [(3.0, "error"), (0.4, "error")])
def test_objects_too_small_for_the_grid(splits, side, severity):
    middles = (BOXES[:, :2] + BOXES[:, 2:]) / 2
    boxes = np.concatenate((middles - side / 2, middles + side / 2), axis=1)
    for split in splits:
        splits = with_boxes(splits, split, boxes)
    examination = examined(splits)
    assert (severity, "object size") in faults(examination)
    assert "100.0 % are smaller than the finest stride, 4" in message(examination, "object size")


def test_one_small_object_of_three_is_a_warning(splits):
    boxes = BOXES.copy()
    boxes[0, 2:] = boxes[0, :2] + 3
    examination = examined(with_boxes(splits, "train", boxes))
    assert faults(examination) == {("warning", "object size")}


def test_no_boxes_at_all(splits):
    for split in splits:
        splits = with_boxes(splits, split, BOXES[:0])
    assert ("error", "boxes") in faults(examined(splits))


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "warning")])
def test_a_class_without_objects(splits, split, severity):
    examination = examined(with_boxes(splits, split, BOXES[:1]))
    assert faults(examination) == {(severity, "classes")}
    assert f"no object in {split} of car" in message(examination, "classes")


def test_a_rare_class(splits):
    _, *rest = with_boxes(splits, "train", BOXES[:1])["train"].records
    examination = examined(changed(splits, "train", records=(splits["train"].records[0], *rest)))
    assert faults(examination) == {("warning", "classes")}
    assert "few objects in train: car (2)" in message(examination, "classes")


def test_splits_with_different_classes(splits):
    assert faults(examined(changed(splits, "val", classes=("car", "person")))) == {("error", "classes")}


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ((1, 2), ""),
        ((1, 5), "category ids 1, 5 leave out 2, 3, 4"),
        ((1, 7), "category ids 1, 7 leave out 2, 3, 4, 5, 6"),
        ((3, 10**15), f"category ids 3, {10**15} leave out 4, 5, 6, 7, 8 and {10**15 - 9} more"),
    ],
)
def test_gaps_in_category_ids_are_noted(splits, ids, says):
    for split in splits:
        splits = changed(splits, split, category_ids=ids)
    findings = check_classes(splits, train="train", limits=read(Limits, "doctor:limits"))
    noted = [finding.message for finding in findings if finding.severity is Severity.NOTE]
    assert noted == ([says] if says else [])


def test_frames_of_one_recording_in_two_splits(splits):
    """Half of val shows what train shows, seen a little later with another gain."""
    rng = np.random.default_rng(5)
    for index in range(3):
        again = counts(splits, "train", index) * 1.3 - 5000 + rng.normal(0, 8, (60, 80))
        save_frame(path(splits, "val", index), again.round().astype(np.uint16))
    examination = examined(splits)
    assert faults(examination) == {("error", "leak")}
    assert "50.0 % of val frames have a near copy in train (val_00" in message(examination, "leak")
    (finding,) = (f for f in examination.findings if f.check == "leak")
    shown = {tuple(exhibit.record.path.name for exhibit in pair) for pair in finding.exhibits}
    assert shown == {(f"val_00{k}.png", f"train_00{k}.png") for k in range(3)}


def test_a_recording_that_straddles_splits(splits):
    records = [replace(record, sequence="flight of train") for record in splits["val"].records[:3]]
    records += splits["val"].records[3:]
    examination = examined(changed(splits, "val", records=tuple(records)))
    assert faults(examination) == {("warning", "recordings")}
    assert "1 straddle train and val (flight of train), with 50.0 %" in message(examination, "recordings")


def test_neighbours_by_frame_number_are_counted(splits, tmp_path):
    """train_000 to train_031 are there; 035 lies within ten numbers of the last, 045 does not."""
    records = []
    for record, name in zip(
        splits["val"].records, ("train_035", "train_045", "a", "b", "c", "d"), strict=True
    ):
        moved = record.path.rename(tmp_path / "val" / f"{name}.png")
        records.append(replace(record, path=moved, sequence="flight of train"))
    assert "16.7 % have a neighbour" in message(
        examined(changed(splits, "val", records=tuple(records))), "leak"
    )


def test_recordings_counted_anew_in_each_split_are_not_the_same(splits, tmp_path):
    """As many sets have them: recording 0000 of val is another than that of train, and the frames differ."""
    renamed = splits
    for split in splits:
        records = []
        for number, record in enumerate(splits[split].records):
            moved = record.path.rename(tmp_path / split / f"{number:04}.png")
            records.append(replace(record, path=moved, sequence="0000"))
        renamed = changed(renamed, split, records=tuple(records))
    examination = examined(renamed)
    assert faults(examination) == set()
    assert "1 names are used for different recordings" in message(examination, "recordings")
    assert "0.0 % have a neighbour" in message(examination, "leak")


def test_near_copies_within_a_split_are_noted(splits):
    for index in (1, 2):
        save_frame(path(splits, "train", index), counts(splits, "train", 0))
    assert "3 of them one of the same hash" in message(examined(splits), "near copies")
    assert f"{300 / TRAIN:.1f} % of train frames" in message(examined(splits), "near copies")


@pytest.mark.parametrize(
    ("box", "check", "says"),
    [
        ((5, 5, 5, 9), "zero-size boxes", "1 of 115 boxes have no area"),
        ((9, 5, 5, 9), "zero-size boxes", "1 of 115 boxes have no area"),
        ((90, 5, 99, 9), "boxes outside", "1 of 115 boxes lie wholly outside"),
        ((-9, 5, 0, 9), "boxes outside", "1 of 115 boxes lie wholly outside"),
    ],
)
def test_boxes_that_a_reader_drops(splits, box, check, says):
    examination = examined(_stored(splits, np.array([box], np.float64)))
    assert faults(examination) == {("warning", check)}
    assert says in message(examination, check)


def test_boxes_beyond_the_border(splits):
    over = np.tile(np.array([(70, 5, 90, 20)], np.float64), (20, 1))
    examination = examined(_stored(splits, over))
    assert faults(examination) == {("error", "boxes outside")}
    assert "20 of 134 boxes reach beyond their frame (14.9 %)" in message(examination, "boxes outside")
    assert faults(examined(_stored(splits, over[:1]))) == set(), "one at the border is only cut"


def test_what_readers_warned_of(splits):
    examination = examined(splits, warnings=["a.json: 3 boxes without area dropped"])
    assert faults(examination) == {("warning", "annotations")}


def _stored(splits: Splits, extra: np.ndarray) -> Splits:
    """The same set whose reader kept its boxes, and `extra` ones in the first frame."""
    for split in splits:
        records = [replace(record, stored=BOXES.astype(np.float64)) for record in splits[split].records]
        if split == "train":
            records[0] = replace(records[0], stored=np.concatenate((BOXES, extra)))
        splits = changed(splits, split, records=tuple(records))
    return splits
