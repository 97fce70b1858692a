"""Live sources give every frame they should, and only the newest is kept of them."""

from __future__ import annotations

import io as bytes_io
import os
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.live import newest as module
from detector.live.folder import FillingFolder
from detector.live.newest import Newest
from detector.live.playback import Playback
from detector.live.record import Recorder
from detector.live.source import Lost, redacted
from detector.live.stream import RawStream
from detector.structures import Frame
from detector.thermal import io


def frame(value: int) -> Frame:
    return Frame(np.full((4, 6), value, np.uint16), 16, "f")


def value_of(found: Frame) -> int:
    return int(found.counts[0, 0])


def save(file: Path, value: int) -> None:
    assert cv2.imwrite(str(file), frame(value).counts)


class Script:
    """Connections, each of steps: a frame, an error to raise, an event to wait for or one to set."""

    name = "script"

    def __init__(self, *connections):
        self.connections = list(connections)

    def frames(self, stop):  # noqa: ARG002 (as sources are asked)
        for step in self.connections.pop(0):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Frame):
                yield step
            else:
                step()


def test_frames_without_a_taker_are_dropped_and_counted():
    taken, sent = Event(), Event()
    script = Script([frame(1), taken.wait, frame(2), frame(3), frame(4), sent.set])
    kept: list[int] = []
    found = []
    with Newest(script, tell=print, silence=60, keep=lambda each: kept.append(value_of(each))) as newest:
        for each in newest:
            found.append(value_of(each.frame))
            taken.set()
            sent.wait(5)
    assert found == [1, 4]
    assert kept == [1, 2, 3, 4]
    assert (newest.counts.received, newest.counts.dropped) == (4, 2)


def test_a_lost_source_is_tried_again_after_longer_and_longer(monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(module, "LONGEST_DELAY", 0.02)
    lost = Lost("gone")
    told: list[str] = []
    with Newest(
        Script([lost], [lost], [lost], [frame(7), lost], [frame(8)]),
        tell=told.append,
        silence=60,
        keep=lambda _: None,
    ) as newest:
        assert [value_of(each.frame) for each in newest][-1] == 8
    assert told == [f"gone; next try in {delay} s" for delay in (0.01, 0.02, 0.02, 0.01)]
    assert newest.counts.reconnected == 4


def test_silence_is_told_and_what_is_wrong_raised():
    told: list[str] = []
    heard = Event()

    def tell(line: str) -> None:
        told.append(line)
        heard.set()

    script = Script([lambda: heard.wait(5), UserError("no counts")])
    with (
        Newest(script, tell=tell, silence=0.02, keep=lambda _: None) as newest,
        pytest.raises(UserError, match="no counts"),
    ):
        list(newest)
    assert told[0].startswith("script: no frame for 0 s")


def test_a_folder_gives_its_last_picture_and_new_ones_when_they_rest(tmp_path):
    told: list[str] = []
    for number in (1, 2, 10):
        save(tmp_path / f"{number}.png", number)
    source = FillingFolder(folder=tmp_path, every=0.01, how=io.How(), tell=told.append)
    found = source.frames(Event())
    assert value_of(next(found)) == 10
    whole = (tmp_path / "10.png").read_bytes()
    (tmp_path / "11.png").write_bytes(whole[:20])  # damaged, and rests
    save(tmp_path / "12.png", 12)
    assert value_of(next(found)) == 12
    assert "11.png" in told[0]
    save(tmp_path / "12.png", 13)  # anew
    os.utime(tmp_path / "12.png", (1, 1))
    assert value_of(next(found)) == 13


def test_a_file_that_still_grows_is_not_given():
    class Looks(FillingFolder):
        def _look(self):
            return next(looks)

    file = Path("a.png")
    looks = iter([{}, {file: (10, 1)}, {file: (20, 2)}])
    found = Looks(folder=Path(), every=0.001, how=io.How(), tell=pytest.fail).frames(Event())
    with pytest.raises(RuntimeError):  # the looks are at their end, and no file was read
        next(found)


def test_raw_counts_come_as_they_are_and_a_cut_is_told():
    counts = np.arange(48, dtype="<u2").reshape(2, 4, 6) + 30000
    source = RawStream(bytes_io.BytesIO(counts.tobytes() + b"abc"), (4, 6))
    found = source.frames(Event())
    np.testing.assert_array_equal(next(found).counts, counts[0])
    np.testing.assert_array_equal(next(found).counts, counts[1])
    with pytest.raises(UserError, match="3 bytes of a frame of 48"):
        next(found)


def test_a_recording_is_played_over_and_over():
    source = Playback(io.Recording("clip", lambda: iter([frame(1), frame(2)])), 1000.0)
    found = source.frames(Event())
    assert [value_of(next(found)) for _ in range(5)] == [1, 2, 1, 2, 1]
    with pytest.raises(UserError, match="holds no frame"):
        next(Playback(io.Recording("none", lambda: iter([])), 9.0).frames(Event()))


def test_what_is_recorded_is_read_again_to_the_count(tmp_path):
    recorder = Recorder(tmp_path, tell=pytest.fail)
    counts = np.arange(30000, 30024, dtype=np.uint16).reshape(4, 6)
    recorder(Frame(counts, 16, "f"))
    (file,) = (found for found in tmp_path.rglob("*") if found.is_file())
    np.testing.assert_array_equal(io.read(file).counts, counts)


def test_a_full_disk_is_told_once_and_counted(tmp_path):
    (tmp_path / "file").write_text("")
    told: list[str] = []
    recorder = Recorder(tmp_path / "file", tell=told.append)
    recorder(frame(1))
    recorder(frame(2))
    assert (recorder.written, recorder.failed, len(told)) == (0, 2, 1)


def test_no_password_is_named():
    assert redacted("rtsp://me:secret@cam/live?key=1") == "rtsp://cam/live"
