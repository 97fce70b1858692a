"""Numbers that are temperatures, as programs export them, to counts and back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from detector.errors import UserError
from detector.structures import Calibration
from detector.thermal.io.checks import as_counts, check_number_type
from detector.thermal.radiometry import ZERO_CELSIUS, Linear

KELVIN, CELSIUS, CENTI_CELSIUS, DECI_CELSIUS = "kelvin", "celsius", "centi_celsius", "deci_celsius"
UNITS: dict[str, tuple[float, float]] = {
    KELVIN: (1.0, 0.0),
    CELSIUS: (1.0, ZERO_CELSIUS),
    "fahrenheit": (5 / 9, ZERO_CELSIUS - 32 * 5 / 9),
    "centi_kelvin": (0.01, 0.0),
    CENTI_CELSIUS: (0.01, ZERO_CELSIUS),
    "deci_kelvin": (0.1, 0.0),
    DECI_CELSIUS: (0.1, ZERO_CELSIUS),
}
"""(gain, offset) of each: kelvin = gain * number + offset."""

STEP, COARSE_STEP = 0.01, 0.1
"""Kelvin between two counts: a Lepton's two resolutions, which reach to 655.35 K and to 6553.5 K."""
MOST = np.iinfo(np.uint16).max
COLDEST, HOTTEST = ZERO_CELSIUS - 100, 2000
"""No scene is colder in every pixel, and none so hot in Celsius: from here on numbers are kelvin. None is
hotter in every pixel: from there on they are no temperatures."""
CENTI_COLDEST, CENTI_HOTTEST = -100 * 100, 150 * 100
"""Between these, whole numbers with a sign are hundredths of degrees Celsius; beyond, nobody can tell."""
COUNTS = "counts"


class Counts(NamedTuple):
    """counts [H, W] uint8 or uint16. calibration of those made of temperatures, None of those stored.

    taken_for: the unit that the values were taken for, None where nothing was guessed.
    """

    counts: np.ndarray
    calibration: Calibration | None = None
    taken_for: str | None = None


def checked_unit(unit: object, *, where: str) -> str | None:
    """UserError, naming the setting, for what is neither None nor of UNITS."""
    if unit is not None and unit not in UNITS:
        raise UserError(f"{where}={unit}: must be null or one of {', '.join(UNITS)}")
    return None if unit is None else str(unit)


def told(unit: str) -> str:
    """What was taken for which unit, or for counts, and the setting that decides."""
    if unit == COUNTS:
        return (
            "floats in the files are whole numbers too high for temperatures and taken for raw counts; if "
            "they are temperatures say in which unit, as unit=centi_kelvin (in a data set data.unit)"
        )
    other = {KELVIN: CELSIUS, CELSIUS: KELVIN, CENTI_CELSIUS: f"{DECI_CELSIUS} or {CELSIUS}"}[unit]
    return (
        f"the numbers in the files are taken for temperatures in {unit} by their values; if they are "
        f"something else say unit={other} (in a data set data.unit)"
    )


def to_counts(numbers: np.ndarray, path: Path, *, unit: str | None) -> Counts:
    """Counts of numbers [H, W] of any integer or float type.

    Whole numbers without a sign are counts and stay as they are. Floats are temperatures: kelvin where all
    are at least COLDEST, Celsius otherwise; counts where all are whole and at least HOTTEST. Whole numbers
    below 0 are hundredths of degrees Celsius. unit, of UNITS, says it for floats and for types with a sign.
    Temperatures become counts of 0.01 K, of 0.1 K in a frame with more than 655.35 K, each within half a
    step. Raises UserError for what are neither.
    """
    check_number_type(path, numbers.dtype)
    kind = numbers.dtype.kind
    signed = (
        kind == "i"
        and numbers.min() < 0
        and numbers.min() >= CENTI_COLDEST
        and numbers.max() <= CENTI_HOTTEST
    )
    if kind == "u" or (kind == "i" and unit is None and not signed):
        return Counts(as_counts(numbers, path))
    if kind == "f":
        _check_finite(numbers, path)
    guessed = None
    if unit is None:
        unit = guessed = CENTI_CELSIUS if kind == "i" else _unit_of(numbers, path)
        if unit == COUNTS:
            return Counts(numbers.astype(np.uint16), None, guessed)
    gain, offset = UNITS[unit]
    kelvin = gain * numbers.astype(np.float64) + offset
    low, high = float(kelvin.min()), float(kelvin.max())
    step = STEP if high <= MOST * STEP else COARSE_STEP
    if low < 0 or high > MOST * step:
        raise UserError(
            f"{path}: numbers from {numbers.min():g} to {numbers.max():g} are no temperatures in {unit}; "
            f"say what they are with unit={'|'.join(UNITS)}, or save the raw counts as uint16"
        )
    return Counts(np.rint(kelvin / step).astype(np.uint16), Linear(step), guessed)


def _check_finite(numbers: np.ndarray, path: Path) -> None:
    bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if bad:
        raise UserError(
            f"{path}: {bad} of {numbers.size} numbers are NaN or infinite, which are no temperatures; write "
            "those of pixels beside them there"
        )


def _unit_of(numbers: np.ndarray, path: Path) -> str:
    low, high = float(numbers.min()), float(numbers.max())
    if low >= 0 and high <= 1:
        raise UserError(
            f"{path}: floats from {low:g} to {high:g} look like a picture scaled to 0 to 1, without counts: "
            "save the raw counts as uint16, or if they are temperatures say unit=celsius (in a "
            "data set data.unit)"
        )
    if low >= HOTTEST and high <= MOST and (numbers == np.rint(numbers)).all():
        return COUNTS
    if low >= HOTTEST:
        raise UserError(
            f"{path}: floats from {low:g} to {high:g} are neither counts nor kelvin nor Celsius; say what "
            f"they are with unit={'|'.join(UNITS)} (in a data set data.unit)"
        )
    return KELVIN if low >= COLDEST else CELSIUS
