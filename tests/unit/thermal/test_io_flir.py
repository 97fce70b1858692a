from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.thermal.io import read
from detector.thermal.radiometry import AirAbsorption, Planck, ThroughAir
from tests.unit.thermal.io_builders import CAMERA, GREY_8, GREY_16, flir_jpeg, flir_segments, with_segments

COUNTS = (14000 + 256 * np.arange(24)[:, None] + np.arange(32)).astype(np.uint16)  # about room temperature


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("png", [True, False])
@pytest.mark.parametrize("cut", [60_000, 100])
def test_the_raw_counts_are_read_and_not_the_coloured_picture(tmp_path: Path, png: bool, cut: int) -> None:
    frame = read(write(tmp_path / "a.jpg", flir_jpeg(COUNTS, png=png, cut=cut)))
    np.testing.assert_array_equal(frame.counts, COUNTS)
    assert frame.counts.dtype == np.uint16
    assert frame.bit_depth == 16


def test_the_calibration_is_the_cameras(tmp_path: Path) -> None:
    frame = read(write(tmp_path / "a.jpg", flir_jpeg(COUNTS)))
    expected = ThroughAir(
        Planck(21106.77 / 0.012545258, 1501.0, 1.0, 7340.0),
        emissivity=0.95,
        reflected=293.15,
        transmission=AirAbsorption().transmission(distance=2.0, humidity=0.5, kelvin=291.15),
        atmosphere=291.15,
        window_transmission=0.9,
        window=290.15,
    )
    assert frame.calibration is not None
    # The file holds single precision.
    np.testing.assert_allclose(
        frame.calibration.to_kelvin(frame.counts), expected.to_kelvin(COUNTS), rtol=1e-5
    )


def test_air_that_would_add_to_the_signal_takes_nothing_from_it(tmp_path: Path) -> None:
    """Of a file whose settings give a transmission above 1."""
    camera = {**CAMERA, 0x70: -0.5}
    calibration = read(write(tmp_path / "a.jpg", flir_jpeg(COUNTS, camera=camera))).calibration
    assert isinstance(calibration, ThroughAir)
    assert calibration.transmission == 1


@pytest.mark.parametrize("png", [True, False])
@pytest.mark.parametrize("distance", [0.0, 2.0])
def test_as_flyr_reads_it(tmp_path: Path, png: bool, distance: float) -> None:
    """flyr takes the air as two halves of the way, which absorb more than FLIR's formula for the whole."""
    flyr = pytest.importorskip("flyr", reason="needs the package flyr")
    path = write(tmp_path / "a.jpg", flir_jpeg(COUNTS, png=png, camera={**CAMERA, 0x24: distance}))
    frame = read(path)
    assert frame.calibration is not None
    kelvin = frame.calibration.to_kelvin(frame.counts)
    theirs = flyr.unpack(str(path)).kelvin
    np.testing.assert_allclose(kelvin, theirs, atol=1e-3 if distance == 0 else 0.15)


def test_counts_without_the_cameras_record_have_no_calibration(tmp_path: Path) -> None:
    data = flir_jpeg(COUNTS)
    directory = data.index(b"FFF\0") + 64
    data = data[: directory + 32] + bytes(2) + data[directory + 34 :]  # the second entry's type: none
    frame = read(write(tmp_path / "a.jpg", data))
    np.testing.assert_array_equal(frame.counts, COUNTS)
    assert frame.calibration is None


def test_of_two_records_of_one_kind_the_first_counts(tmp_path: Path) -> None:
    data = flir_jpeg(COUNTS)
    directory = data.index(b"FFF\0") + 64
    # The second entry, the camera's, says that it has counts too.
    data = data[: directory + 32] + data[directory : directory + 2] + data[directory + 34 :]
    frame = read(write(tmp_path / "a.jpg", data))
    np.testing.assert_array_equal(frame.counts, COUNTS)
    assert frame.calibration is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({0x20: 0.0}, "emissivity must be above 0 and at most 1, found 0"),
        ({0x20: float("nan")}, "emissivity"),
        ({0x30C: 0.0}, "r2 must not be 0"),
        ({0x5C: -1.0}, "r, b, f above 0"),
        ({0x3C: 50.0}, "humidity"),
        ({0x2C: 0.0}, "temperature above 0 K"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, changes: dict[int, float], message: str) -> None:
    path = write(tmp_path / "a.jpg", flir_jpeg(COUNTS, camera={**CAMERA, **changes}))
    with pytest.raises(UserError, match=rf"a\.jpg: .*{message}"):
        read(path)


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    pieces = flir_segments(COUNTS, png=True, cut=500)
    visible = flir_jpeg(GREY_16)
    del pieces[2]
    data = with_segments(visible[:2] + visible[visible.index(b"\xff\xe0") :], pieces)
    with pytest.raises(
        UserError, match=rf"a\.jpg: the FLIR block .*segment 2 of {len(pieces) + 1} is missing"
    ):
        read(write(tmp_path / "a.jpg", data))


def test_an_absurd_size_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    data = bytearray(flir_jpeg(COUNTS, png=False))
    raw = data.index(b"FFF\0") + 192
    data[raw + 2 : raw + 6] = b"\x60\xea\x60\xea"
    with pytest.raises(UserError, match=r"a\.jpg: claims 60000x60000 pixels"):
        read(write(tmp_path / "a.jpg", bytes(data)))


def test_too_many_records_are_not_counted_through(tmp_path: Path) -> None:
    data = bytearray(flir_jpeg(GREY_8.astype(np.uint16)))
    count = data.index(b"FFF\0") + 28
    data[count : count + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(UserError, match="4294967295 records"):
        read(write(tmp_path / "a.jpg", bytes(data)))
