import gzip
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import RNG, cptv_bytes

pytest.importorskip("cptv", reason="needs the extra cptv")

FRAMES = [RNG.integers(2000, 15000, (6, 8)).astype(np.uint16) for _ in range(3)]
START = datetime(2020, 9, 13, 12, 26, 40, tzinfo=timezone.utc)  # of the builder's files
REAL = Path(os.environ.get("THERMAL_DATA", "../shared/data")) / "lepton" / "possum.cptv"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_counts_times_and_facts(tmp_path: Path) -> None:
    path = write(tmp_path / "night.cptv", cptv_bytes(FRAMES, times_ms=[5000, 5111, 5333]))
    recording = open_recording(path)
    for _ in range(2):
        frames = list(recording)
        np.testing.assert_array_equal([frame.counts for frame in frames], FRAMES)
    times = [frame.time for frame in frames]
    assert times == [START + timedelta(milliseconds=ms) for ms in (0, 111, 333)]
    assert {(frame.bit_depth, frame.sequence, frame.calibration) for frame in frames} == {(16, "night", None)}
    assert frames[2].source == f"{path} frame 2"
    assert recording.fps == 9
    assert dict(recording.facts) == {"device": "roof", "model": "lepton3.5"}


def test_counts_above_the_signed_range_survive(tmp_path: Path) -> None:
    """The package adds up in int16, which wraps."""
    ramp = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    path = write(tmp_path / "a.cptv", cptv_bytes([ramp]))
    np.testing.assert_array_equal(read(path).counts, ramp)


def test_the_background_picture_is_no_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cptv", cptv_bytes(FRAMES, background=True, times_ms=[0, 7000, 7111]))
    first, second = open_recording(path)
    np.testing.assert_array_equal(first.counts, FRAMES[1])
    assert (first.time, first.source) == (START, f"{path} frame 0")
    assert second.time == START + timedelta(milliseconds=111)


def test_a_clock_that_was_never_set_gives_no_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cptv", cptv_bytes(FRAMES, started_us=0))
    assert {frame.time for frame in open_recording(path)} == {None}


def test_the_length_is_not_told(tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path / "a.cptv", cptv_bytes(FRAMES)))
    assert recording.length is None
    with pytest.raises(TypeError, match="does not tell"):
        len(recording)
    assert len(list(recording)) == 3


@pytest.mark.parametrize("left", [-1, -9, -60, 60, 20, 12])
def test_a_recording_cut_short_ends_in_an_error(tmp_path: Path, left: int) -> None:
    path = write(tmp_path / "a.cptv", cptv_bytes(FRAMES)[:left])
    with pytest.raises(UserError, match=r"a\.cptv: the CPTV recording is (damaged or )?cut short"):
        list(open_recording(path))


def test_whole_frames_before_the_cut_are_given(tmp_path: Path) -> None:
    """Cut between two frames, where the package sees the end of the recording."""
    whole = gzip.decompress(cptv_bytes(FRAMES))
    frame_end = (
        len(whole)
        - len(gzip.decompress(cptv_bytes(FRAMES[2:])))
        + len(gzip.decompress(cptv_bytes(FRAMES[:1])))
    )
    packed = gzip.compress(whole[:frame_end], 0, mtime=0)
    path = write(tmp_path / "a.cptv", packed[:-8])  # without gzip's own end
    frames = iter(open_recording(path))
    next(frames)
    with pytest.raises(UserError, match="cut short"):
        list(frames)


@pytest.mark.parametrize("size", [(60000, 60000), (0, 8), (2**32 - 1, 1), (4096, 4096)])
def test_an_absurd_size_is_refused_at_opening(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write(tmp_path / "a.cptv", cptv_bytes(FRAMES, size=size))
    with pytest.raises(UserError, match=rf"claims {size[0]}x{size[1]} pixels"):
        open_recording(path)


def test_a_frame_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    data = gzip.decompress(cptv_bytes(FRAMES))
    size = (4 + 2 * 47).to_bytes(4, "little")
    path = write(tmp_path / "a.cptv", gzip.compress(data.replace(b"f" + size, b"f\xff\xff\xff\xff", 1)))
    with pytest.raises(UserError, match="a frame of 4294967295 bytes"):
        list(open_recording(path))


def test_other_gzip_files_are_no_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cptv", gzip.compress(b"something else"))
    with pytest.raises(UserError, match=r"a\.cptv: the CPTV recording is damaged .*magic"):
        open_recording(path)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cptv", None)
    path = write(tmp_path / "a.cptv", cptv_bytes(FRAMES))
    with pytest.raises(UserError, match=r"a\.cptv: .*pip install cptv"):
        open_recording(path)


@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is not here (THERMAL_DATA names its folder's parent)")
def test_a_real_recording() -> None:
    """A clip of a Lepton 3; 160 pictures and a background."""
    recording = open_recording(REAL)
    frames = list(recording)
    assert len(frames) == 160
    assert {(frame.size, frame.counts.dtype.name, frame.bit_depth) for frame in frames} == {
        ((120, 160), "uint16", 16)
    }
    seconds = [frame.time.timestamp() for frame in frames if frame.time is not None]
    np.testing.assert_allclose(np.diff(seconds), 0.114, atol=0.002)
    assert frames[0].time == datetime(2022, 7, 5, 10, 36, 23, 109243, timezone.utc)
    assert len(np.unique([frame.counts for frame in frames])) > 500
    facts = {"brand": "flir", "model": "lepton3", "serial": "1461737", "firmware": "3.1.49"}
    assert facts.items() <= recording.facts.items()
    assert float(recording.facts["latitude"]) == pytest.approx(-43.637, abs=1e-3)
