import sys
import tracemalloc
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import CAMERA, GREY_16, fff, flir_jpeg, jpeg_ls

FILM = [GREY_16, GREY_16 // 2, GREY_16 // 3]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("gap", [0, 100])
def test_a_run_of_frames_is_a_recording(tmp_path: Path, order: str, gap: int) -> None:
    taken = 1_600_000_000
    data = bytes(gap).join(
        fff(counts, order=order, taken=(taken, 250 * number, 300)) for number, counts in enumerate(FILM)
    )
    recording = open_recording(write(tmp_path / "night.seq", data))
    assert (recording.name, len(recording), recording.facts) == ("night", 3, {"model": "Model X"})
    frames = list(recording)
    np.testing.assert_array_equal([frame.counts for frame in frames], FILM)
    zone = timezone(timedelta(hours=-5))
    time = datetime.fromtimestamp(taken, zone) + timedelta(milliseconds=250)
    assert str(frames[1].time) == str(time), "in the camera's own zone"
    assert {frame.sequence for frame in frames} == {"night"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_frame_has_the_calibration_of_its_own_settings(tmp_path: Path, order: str) -> None:
    """The same file in a JPEG is tested against flyr."""
    cameras = (CAMERA, {**CAMERA, 0x20: 0.5, 0x24: 20.0})
    data = b"".join(fff(GREY_16, order=order, camera=camera) for camera in cameras)
    for frame, camera in zip(open_recording(write(tmp_path / "a.seq", data)), cameras, strict=True):
        known = read(write(tmp_path / "a.jpg", flir_jpeg(GREY_16, camera=camera))).calibration
        assert frame.calibration is not None
        assert known is not None
        np.testing.assert_array_equal(
            frame.calibration.to_kelvin(frame.counts), known.to_kelvin(frame.counts)
        )


def test_counts_that_look_like_the_next_frame_are_counts(tmp_path: Path) -> None:
    counts = GREY_16.copy()
    counts[3, :2] = np.frombuffer(b"FFF\0", "<u2")
    recording = open_recording(write(tmp_path / "a.seq", 2 * fff(counts, order="<")))
    np.testing.assert_array_equal([frame.counts for frame in recording], [counts] * 2)


def test_one_frame_is_a_picture(tmp_path: Path) -> None:
    frame = read(write(tmp_path / "a.fff", fff(GREY_16)))
    assert (frame.sequence, frame.source) == (None, str(tmp_path / "a.fff"))


def test_frames_packed_with_jpeg_ls(tmp_path: Path) -> None:
    data = b"".join(fff(counts, pixels=jpeg_ls(counts)) for counts in FILM)
    recording = open_recording(write(tmp_path / "a.csq", data))
    np.testing.assert_array_equal([frame.counts for frame in recording], FILM)


def test_without_the_package_that_unpacks_them_the_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bytes.fromhex("ffd8 fff7 000b 10 0018 0020 01 01 11 00")
    monkeypatch.setitem(sys.modules, "jpeg_ls", None)
    with pytest.raises(UserError, match=r"a\.csq: .* pip install pyjpegls; or save it as \.seq"):
        read(write(tmp_path / "a.csq", fff(GREY_16, pixels=header)))


def test_a_packed_picture_of_another_size_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jpeg_ls", SimpleNamespace())
    header = bytes.fromhex("ffd8 fff7 000b 10 ea60 ea60 01 01 11 00")
    with pytest.raises(UserError, match=r"a\.csq: .*the JPEG-LS inside is 60000x60000"):
        read(write(tmp_path / "a.csq", fff(GREY_16, pixels=header)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "the FLIR file is cut short"),
        (lambda data: data + b"noise", "does not begin as an FFF file"),
        (lambda data: data[:24] + b"\xff" * 4 + data[28:], "claims its directory at 4294967295"),
        (lambda data: data[:28] + b"\xff" * 4 + data[32:], "4294967295 records"),
        (lambda data: data[:64] + bytes(128) + data[192:], "claims 0 bytes"),
        (lambda data: data[:80] + b"\xff" * 4 + data[84:], r"claims \d+ bytes"),
    ],
)
def test_damage_between_frames_is_told_at_opening(tmp_path: Path, change: object, message: str) -> None:
    assert callable(change)
    for data in (change(fff(GREY_16)), fff(GREY_16) + change(fff(GREY_16))):
        with pytest.raises(UserError, match=rf"a\.seq: .*{message}"):
            open_recording(write(tmp_path / "a.seq", data))


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    path = write(tmp_path / "long.seq", 300 * fff(GREY_16))
    size = path.stat().st_size
    tracemalloc.start()
    try:
        assert sum(1 for _ in open_recording(path)) == 300
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 2 + 2**20
