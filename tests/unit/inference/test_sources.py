"""What a user points at becomes recordings in natural order; one bad file costs that file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.inference.sources import find, read, recordings, until_failure
from detector.structures import Frame
from detector.thermal import io
from tests.unit.data.builders import save_frame


def picture(path: Path, count: int = 7) -> Path:
    save_frame(path, np.full((8, 8), count, np.uint16))
    return path


def clip(path: Path, *counts: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack([np.full((8, 8), count, np.uint16) for count in counts]))
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-30])
    return path


def opened(source: Path | str | Sequence[Path | str], **options) -> tuple[list[tuple], list[str]]:
    """(name, whether stills, the first count of each frame) of every recording, and what failed."""
    failures: list[str] = []
    found = [
        (one.recording.name, one.stills, [int(frame.counts[0, 0]) for frame in one.recording])
        for one in recordings(find(source), failed=lambda error: failures.append(str(error)), **options)
    ]
    return found, failures


def test_a_recording_tells_where_it_is(tmp_path: Path):
    """A file of its own, or the folder of its pictures, as the user named it."""
    pair = [picture(tmp_path / "stills" / name) for name in ("a.png", "b.png")]
    night = clip(tmp_path / "stills" / "night.npy", 1, 2)
    paths = [one.path for one in recordings(find(tmp_path / "stills"), failed=pytest.fail)]
    assert paths == [tmp_path / "stills", night]
    assert [one.path for one in recordings(pair[:1], failed=pytest.fail)] == pair[:1]


def test_a_file_a_folder_a_pattern_and_a_list(tmp_path: Path):
    for number in (10, 9, 1):
        picture(tmp_path / "stills" / f"{number}.png", number)
        clip(tmp_path / "clips" / f"{number}.npy", number, number + 1)
    stills, clips = tmp_path / "stills", tmp_path / "clips"
    three = [("1", False, [1, 2]), ("9", False, [9, 10]), ("10", False, [10, 11])]
    assert opened(stills / "9.png") == ([("9", True, [9])], [])
    assert opened(str(clips / "9.npy")) == ([three[1]], [])
    assert opened(stills) == ([("stills", True, [1, 9, 10])], [])
    assert opened(clips) == (three, [])
    assert opened(f"{clips}/*.npy") == (three, [])
    assert opened(f"{stills}/1*.png") == ([("stills", True, [1, 10])], [])
    assert opened([clips / "10.npy", stills, str(clips / "1.npy")]) == (
        [three[2], ("stills", True, [1, 9, 10]), three[0]],
        [],
    )


def test_a_folder_s_pictures_then_its_recordings_then_its_folders(tmp_path: Path):
    picture(tmp_path / "night" / "b.png", 1)
    picture(tmp_path / "night" / "a.png", 2)
    clip(tmp_path / "night" / "c.npy", 3, 4)
    np.save(tmp_path / "night" / "one.npy", np.full((8, 8), 5, np.uint16))
    clip(tmp_path / "night" / "late" / "d.npy", 6, 7)
    picture(tmp_path / "night" / ".hidden" / "e.png")
    (tmp_path / "night" / "notes.txt").write_text("no picture")
    (tmp_path / "night" / "again").symlink_to(tmp_path / "night")
    assert opened(tmp_path / "night") == (
        [("night", True, [2, 1, 5]), ("c", False, [3, 4]), ("d", False, [6, 7])],
        [],
    )


def test_frames_of_a_folder_are_of_one_sequence(tmp_path: Path):
    picture(tmp_path / "walk" / "a.png")
    (one,) = recordings([tmp_path / "walk"], failed=pytest.fail)
    assert [frame.sequence for frame in one.recording] == ["walk"]
    assert len(one.recording) == 1


def test_recordings_are_opened_when_they_are_reached(tmp_path: Path):
    first = clip(tmp_path / "1.npy", 1, 2)
    second = clip(tmp_path / "2.npy", 3, 4)
    failures: list[str] = []
    found = recordings([first, second], failed=lambda error: failures.append(str(error)))
    next(found)
    second.unlink()
    assert list(found) == []
    assert failures == [f"{second}: no such image file"]


def test_one_bad_file_costs_that_file(tmp_path: Path):
    for number in range(3):
        picture(tmp_path / "night" / f"{number}.png", number)
        clip(tmp_path / "night" / f"c{number}.npy", number, number)
    bad = [damaged(tmp_path / "night" / name) for name in ("1.png", "c1.npy")]
    found, failures = opened(tmp_path / "night")
    assert found == [("night", True, [0, 2]), ("c0", False, [0, 0]), ("c2", False, [2, 2])]
    assert len(failures) == 2
    assert all(any(str(file) in failure for failure in failures) for file in bad)


def test_a_recording_ends_where_it_is_damaged():
    failures: list[UserError] = []

    def broken():
        yield 1
        raise UserError("frame 1")

    assert list(until_failure(broken(), failures.append)) == [1]
    assert [str(error) for error in failures] == ["frame 1"]


def test_what_is_not_there_is_told_at_once(tmp_path: Path):
    for source in (tmp_path / "no.png", str(tmp_path / "*.png"), [picture(tmp_path / "a.tif"), "gone.cptv"]):
        with pytest.raises(UserError, match="no such image file or folder"):
            find(source)
    with pytest.raises(UserError, match="source: names no file"):
        find([])


def test_a_name_with_brackets_is_a_name(tmp_path: Path):
    file = picture(tmp_path / "a[1].png")
    assert find(file) == [file]


def test_an_empty_folder_is_told(tmp_path: Path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "notes.txt").touch()
    with pytest.raises(UserError, match=r"no pictures or recordings in this folder \(of .*\.cptv, "):
        opened(tmp_path)
    picture(tmp_path / "other" / "a.png")
    found, failures = opened([tmp_path / "other", tmp_path / "below"])
    assert len(found) == 1
    assert failures == [f"{tmp_path / 'below'}: no pictures or recordings in this folder"]


def test_raw_counts_need_their_shape(tmp_path: Path):
    np.arange(64, dtype="<u2").tofile(tmp_path / "a.raw")
    assert opened(tmp_path, raw_shape=(8, 8)) == ([(tmp_path.name, True, [0])], [])
    found, failures = opened(tmp_path)
    assert [frames for _, _, frames in found] == [[]]
    assert "carry no shape" in failures[0]


def test_reading_one_picture_gives_its_frame_and_all_else_a_recording(tmp_path: Path):
    frame = read(picture(tmp_path / "stills" / "a.png", 5))
    assert isinstance(frame, Frame)
    assert frame.counts[0, 0] == 5
    for path, length in ((tmp_path / "stills", 1), (clip(tmp_path / "a.npy", 1, 2), 2)):
        recording = read(path)
        assert isinstance(recording, io.Recording)
        assert len(recording) == length
