"""Pictures: the right colour at the right pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.inference.draw import PALETTE, contact_sheet, draw, save_picture
from detector.structures import NO_TRACK, Detections

SCALE = 4
BLACK = np.zeros((60, 80), dtype=np.float32)
GREY = np.full((60, 80), 0.5, dtype=np.float32)


def found(*rows: tuple[list[float], float, int]) -> Detections:
    return Detections(
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        labels=np.array([label for _, _, label in rows], np.int64),
    )


def is_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (picture == colour).all(axis=2)


def test_a_detection_is_framed_in_its_class_colour_and_left_free_inside():
    picture = draw(BLACK, found(([10, 20, 16, 29], 0.9, 1)), classes=("a", "b"), scale=SCALE)
    assert picture.shape == (240, 320, 3)
    coloured = is_colour(picture, PALETTE[1])
    assert not picture[80:116, 40:64].any()
    for ring in (1, 2):  # just outside x 40 to 64, y 80 to 116
        assert coloured[80 - ring, 40 - ring : 64 + ring].all()
        assert coloured[115 + ring, 40 - ring : 64 + ring].all()
        assert coloured[80 - ring : 116 + ring, 40 - ring].all()
        assert coloured[80 - ring : 116 + ring, 63 + ring].all()
    assert not coloured[116 + 2 :].any()


def test_the_name_stands_above_its_box():
    named = draw(BLACK, found(([10, 20, 40, 29], 0.9, 0)), classes=("person",), scale=SCALE)
    coloured = is_colour(named, PALETTE[0])
    plate = coloured[:78]
    rows = np.flatnonzero(plate.any(axis=1))
    assert rows[-1] == 77
    assert 8 < len(rows) < 24
    assert np.flatnonzero(plate.any(axis=0))[0] == 38
    # The letters cut into the plate.
    assert (
        0.4 < plate[rows[0] :, 38:].sum() / (len(rows) * (np.flatnonzero(plate.any(axis=0))[-1] - 37)) < 0.95
    )


def test_names_hide_neither_boxes_nor_each_other():
    """Eight boxes 3 pixels apart: a name (some 14 rows at scale 4) fits above the first one only."""
    rows = [([20, 4 + 7 * k, 32, 8 + 7 * k], 0.9, k) for k in range(8)]
    picture = draw(BLACK, found(*rows), classes=["thing"] * 8, scale=SCALE)
    outline = 2 * 2 * (48 + 16 + 2 * 2)  # two sides, two rings, 48 x 16 pixels, and their corners
    for (left, top, right, bottom), _, k in rows:
        assert not picture[top * 4 : bottom * 4, left * 4 : right * 4].any()
        alone = draw(BLACK, found(([20, 30, 32, 34], 0.9, k)), classes=["thing"] * 8, scale=SCALE)
        whole = is_colour(alone, PALETTE[k]).sum()
        assert whole > outline
        assert is_colour(picture, PALETTE[k]).sum() in (outline, whole)


def test_names_hide_no_missed_truth():
    detection = found(([20, 30, 32, 34], 0.9, 0))
    missed = np.array([[18, 20, 40, 29]])
    place = np.s_[80:116, 72:160]
    free = draw(BLACK, detection, classes=("thing",), scale=SCALE)
    assert is_colour(free, PALETTE[0])[place].any()
    picture = draw(BLACK, detection, classes=("thing",), truth=missed, scale=SCALE)
    assert not is_colour(picture, PALETTE[0])[place].any()
    assert is_colour(picture, PALETTE[0]).sum() == is_colour(free, PALETTE[0]).sum()


def test_truth_is_dashed_white_along_the_inside():
    picture = draw(BLACK, found(), classes=(), truth=np.array([[10, 20, 16, 29]]), scale=SCALE)
    white = is_colour(picture, (255, 255, 255))
    assert white[80, 40:63].tolist() == (([True] * 4 + [False] * 4) * 3)[:23]
    assert white[115, 40:44].all()
    assert white[80:84, 63].all()
    white[80:116, 40:64] = False
    assert not white.any()


def test_without_detections_the_frame_stays_grey():
    picture = draw(GREY, found(), classes=("person",), scale=SCALE)
    assert (picture == 128).all()


@pytest.mark.parametrize("box", [[-5, -5, 4, 4], [70, 50, 99, 99], [-9, -9, 99, 99], [5, 5, 5, 5]])
def test_boxes_beyond_the_frame_are_drawn_as_far_as_they_go(box):
    picture = draw(BLACK, found((box, 0.9, 0)), classes=("person",), truth=np.array([box]), scale=SCALE)
    assert picture.shape == (240, 320, 3)


def test_a_contact_sheet_keeps_the_order():
    pictures = [np.full((6, 8, 3), value, dtype=np.uint8) for value in (10, 20, 30)]
    sheet = contact_sheet(pictures, columns=2)
    assert sheet.shape == (16, 20, 3)
    assert (sheet[:6, :8] == 10).all()
    assert (sheet[:6, 12:] == 20).all()
    assert (sheet[10:, :8] == 30).all()
    assert not sheet[10:, 8:].any()


def test_a_saved_picture_reads_back_and_leaves_nothing_else(tmp_path: Path):
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    save_picture(tmp_path / "samples.png", picture)
    assert [file.name for file in tmp_path.iterdir()] == ["samples.png"]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "samples.png"))[..., ::-1], picture)


def test_an_interrupted_save_keeps_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "samples.png"
    save_picture(file, np.zeros((6, 8, 3), dtype=np.uint8))

    def cut_short(path: Path, data: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(data[:10])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", cut_short)
    with pytest.raises(OSError, match="no space left"):
        save_picture(file, np.full((6, 8, 3), 255, dtype=np.uint8))
    assert not cv2.imread(str(file)).any()


def test_the_name_tells_the_track():
    """The plate of the third is longer by ' #12'; a detection without a track has none."""
    one = found(([10, 20, 16, 29], 0.9, 0))
    plain, followed, none = (
        is_colour(draw(BLACK, replace(one, tracks=tracks), classes=("a",), scale=SCALE), PALETTE[0]).sum()
        for tracks in (None, np.array([12]), np.array([NO_TRACK]))
    )
    assert followed > plain + 100
    assert none == plain
