"""Frames that cannot be read are left out where that was asked for, counted and named."""

import logging
from pathlib import Path

import pytest

from detector.data.unreadable import without_unreadable
from detector.errors import UserError
from tests.unit.data.builders import split_on_disk


def test_bad_frames_are_left_out_and_named_within_the_bound(tmp_path: Path, caplog) -> None:
    split = split_on_disk(tmp_path, 4)
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "3.png").unlink()
    assert without_unreadable(split, "train", on_error="stop", most=0) is split
    with caplog.at_level(logging.INFO):
        kept = without_unreadable(split, "train", on_error="skip", most=2)
    assert [record.path.name for record in kept.records] == ["0.png", "2.png"]
    assert kept.classes == split.classes
    assert caplog.messages == [
        f"train split: 2 frames left out, which cannot be read: {tmp_path}/1.png: the image file is empty; "
        f"{tmp_path}/3.png: no such image file"
    ]
    with pytest.raises(UserError, match=r"train: 2 frames cannot be read, more than data\.most_skipped=1"):
        without_unreadable(split, "train", on_error="skip", most=1)


def test_a_split_of_bad_frames_alone_is_none(tmp_path: Path) -> None:
    split = split_on_disk(tmp_path, 1)
    (tmp_path / "0.png").unlink()
    with pytest.raises(UserError, match="no frame of it can be read"):
        without_unreadable(split, "val", on_error="skip", most=5)


@pytest.mark.parametrize(("on_error", "most"), [("go", 1), ("skip", -1), ("skip", True), ("skip", "some")])
def test_other_words_are_refused(tmp_path: Path, on_error, most) -> None:
    with pytest.raises(UserError, match=r"data\.(on_error|most_skipped)="):
        without_unreadable(split_on_disk(tmp_path, 1), "val", on_error=on_error, most=most)
