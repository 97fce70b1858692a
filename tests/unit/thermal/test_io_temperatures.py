from pathlib import Path

import numpy as np
import pytest
import tifffile

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from detector.thermal.io.temperatures import checked_unit

RNG = np.random.default_rng(0)
CELSIUS = np.round(RNG.uniform(-20, 60, (24, 32)), 2)
KELVIN = CELSIUS + 273.15


def write(path: Path, numbers: np.ndarray) -> Path:
    np.save(path, numbers) if path.suffix == ".npy" else tifffile.imwrite(path, numbers)
    return path


def kelvin_of(path: Path, unit: str | None = None) -> np.ndarray:
    frame = read(path, unit=unit)
    assert frame.calibration is not None
    return frame.calibration.to_kelvin(frame.counts)


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8"])
@pytest.mark.parametrize(("numbers", "unit"), [(KELVIN, "kelvin"), (CELSIUS, "celsius")])
def test_floats_are_temperatures_in_the_unit_of_their_values(
    tmp_path: Path, name: str, dtype: str, numbers: np.ndarray, unit: str
) -> None:
    path = write(tmp_path / name, numbers.astype(dtype))
    frame = read(path)
    assert (frame.counts.dtype, frame.bit_depth, frame.taken_for) == (np.uint16, 16, unit)
    # Hundredths of a degree are whole counts, so that nothing is rounded away.
    np.testing.assert_allclose(kelvin_of(path), KELVIN, atol=1e-9)


def test_finer_numbers_come_back_within_half_a_step(tmp_path: Path) -> None:
    numbers = RNG.uniform(173.2, 655.35, (100, 100))
    assert np.abs(kelvin_of(write(tmp_path / "a.npy", numbers)) - numbers).max() <= 0.005 + 1e-9


def test_hot_frames_are_counted_in_tenths(tmp_path: Path) -> None:
    numbers = np.linspace(300, 1800, 768).reshape(24, 32)
    assert np.abs(kelvin_of(write(tmp_path / "a.npy", numbers)) - numbers).max() <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("number", "unit", "kelvin"),
    [
        (400.0, "celsius", 673.15),
        (100.0, "kelvin", 100.0),
        (212.0, "fahrenheit", 373.15),
        (30315.0, "centi_kelvin", 303.15),
        (-1250.0, "centi_celsius", 260.65),
        (3031.0, "deci_kelvin", 303.1),
        (-125.0, "deci_celsius", 260.65),
    ],
)
def test_the_unit_that_is_said_counts(tmp_path: Path, number: float, unit: str, kelvin: float) -> None:
    path = write(tmp_path / "a.npy", np.full((8, 8), number))
    step = 0.1 if kelvin > 655.35 else 0.01
    np.testing.assert_allclose(kelvin_of(path, unit), kelvin, atol=step / 2 + 1e-9)
    assert read(path, unit=unit).taken_for is None


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "i4"])
@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
def test_whole_numbers_below_zero_are_hundredths_of_degrees(tmp_path: Path, name: str, dtype: str) -> None:
    numbers = np.rint(100 * CELSIUS).astype(dtype)
    path = write(tmp_path / name, numbers)
    assert read(path).taken_for == "centi_celsius"
    np.testing.assert_allclose(kelvin_of(path), KELVIN, atol=1e-9)
    # A frame of the same set without frost looks like counts.
    path = write(tmp_path / name, abs(numbers))
    np.testing.assert_array_equal(read(path).counts, abs(numbers))
    assert read(path).calibration is None
    np.testing.assert_allclose(kelvin_of(path, "centi_celsius"), abs(CELSIUS) + 273.15, atol=1e-9)


def test_counts_stored_as_floats_are_counts(tmp_path: Path) -> None:
    counts = RNG.integers(2000, 65536, (24, 32))
    frame = read(write(tmp_path / "a.npy", counts.astype(np.float32)))
    np.testing.assert_array_equal(frame.counts, counts)
    assert (frame.calibration, frame.taken_for) == (None, "counts")


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
def test_whole_numbers_without_a_sign_stay_counts_whatever_the_unit(tmp_path: Path, dtype: str) -> None:
    numbers = RNG.integers(0, 256, (24, 32)).astype(dtype)
    frame = read(write(tmp_path / "a.npy", numbers), unit="kelvin")
    np.testing.assert_array_equal(frame.counts, numbers)
    assert frame.calibration is None


@pytest.mark.parametrize(
    ("numbers", "unit", "message"),
    [
        (np.where(CELSIUS > 50, np.nan, CELSIUS), None, r"\d+ of 768 numbers are NaN or infinite"),
        (np.where(CELSIUS > 59, -np.inf, CELSIUS), "celsius", "numbers are NaN or infinite"),
        (RNG.random((24, 32)), None, "floats from .* look like a picture scaled to 0 to 1"),
        (KELVIN * 10 + 0.5, None, "neither counts nor kelvin nor Celsius; say what they are with unit="),
        (CELSIUS - 300, None, "are no temperatures in celsius; say what they are with unit="),
        (KELVIN, "centi_celsius", None),
        (KELVIN * 100, "kelvin", "are no temperatures in kelvin"),
        (np.full((8, 8), 1e300), "kelvin", "are no temperatures in kelvin"),
        (
            np.array([[-1, 20000]] * 2).repeat(4, axis=1),
            None,
            "counts from -1 to 20000; .*unit=centi_celsius",
        ),
    ],
)
def test_what_are_no_temperatures(
    tmp_path: Path, numbers: np.ndarray, unit: str | None, message: str | None
) -> None:
    path = write(tmp_path / "a.npy", numbers)
    if message is None:
        np.testing.assert_allclose(kelvin_of(path, unit), 273.15 + numbers / 100, atol=0.005 + 1e-9)
        return
    with pytest.raises(UserError, match=rf"a\.npy: .*{message}"):
        read(path, unit=unit)


def test_a_film_of_temperatures(tmp_path: Path) -> None:
    film = np.stack([KELVIN, KELVIN + 1])[..., None]
    frames = list(open_recording(write(tmp_path / "a.npy", film.astype(np.float32))))
    np.testing.assert_array_equal(frames[1].counts, frames[0].counts + 100)


def test_a_unit_that_is_none() -> None:
    with pytest.raises(UserError, match=r"data\.unit=rankine: must be null or one of kelvin, celsius"):
        checked_unit("rankine", where="data.unit")
