"""Counts to kelvin and back, in float64; NaN where a count has no temperature, or a temperature no count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.errors import UserError

ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class Linear:
    """kelvin = gain * counts + offset; below 0 K there is no temperature.

    A FLIR Lepton with TLinear gives gain 0.01 (or 0.1, its low resolution) and offset 0. A gain below 0 is a
    camera whose counts fall with temperature. Raises UserError unless both are finite and gain is not 0.
    """

    gain: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gain) and math.isfinite(self.offset) and self.gain != 0):
            raise UserError(
                "linear calibration: gain and offset must be finite and gain not 0, "
                f"found gain={self.gain} offset={self.offset}"
            )

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        kelvin = self.gain * np.asarray(counts, np.float64) + self.offset
        return np.where(kelvin >= 0, kelvin, np.nan)

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        kelvin = np.asarray(kelvin, np.float64)
        return np.where(kelvin >= 0, (kelvin - self.offset) / self.gain, np.nan)


@dataclass(frozen=True)
class Planck:
    """kelvin = b / ln(r / (counts - o) + f), of a black body close by.

    This is the signal-to-temperature equation of FLIR's cameras (GenICam ICD of the Ax5, T559775, 2.2.4.2):
    Planck's law over the camera's band, with the band folded into r, b and f. b is in kelvin, o in counts.
    Defined for counts > o where the logarithm is positive, and for 0 K < kelvin, below b / ln(f) where f > 1.
    Raises UserError unless all four are finite and r, b and f are above 0.
    """

    r: float
    b: float
    f: float
    o: float

    def __post_init__(self) -> None:
        numbers = (self.r, self.b, self.f, self.o)
        if not all(map(math.isfinite, numbers)) or min(self.r, self.b, self.f) <= 0:
            raise UserError(
                "Planck calibration: r, b, f, o must be finite and r, b, f above 0, found "
                f"r={self.r} b={self.b} f={self.f} o={self.o}"
            )

    @classmethod
    def from_flir_tags(cls, *, r1: float, r2: float, b: float, f: float, o: float) -> Planck:
        """From the tags PlanckR1 to PlanckO of a FLIR file: r = r1 / r2, and PlanckO counts the other way."""
        if r2 == 0:
            raise UserError("Planck calibration: r2 must not be 0")
        return cls(r1 / r2, b, f, -o)

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        signal = np.asarray(counts, np.float64) - self.o
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            logarithm = np.log(self.r / signal + self.f)
            return np.where((signal > 0) & (logarithm > 0), self.b / logarithm, np.nan)

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        kelvin = np.asarray(kelvin, np.float64)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            excess = np.exp(self.b / kelvin) - self.f
            return np.where((kelvin > 0) & (excess > 0), self.r / excess + self.o, np.nan)


@dataclass(frozen=True)
class ThroughAir:
    """A Planck calibration of an object that is not black, seen through air and perhaps a window.

    The camera's signal is a mixture ("The measurement formula" of FLIR's user manuals, with a window before
    the lens):

        S = w (t e S(object) + t (1 - e) S(reflected) + (1 - t) S(atmosphere)) + (1 - w) S(window)

    with S(T) = planck.to_counts(T). It holds for signals linear in radiance, which excludes TLinear counts.

    emissivity e, transmission t, window_transmission w: in (0, 1]. reflected, atmosphere, window: kelvin,
    needed where their shares of the signal are above 0. Raises UserError where one is missing or wrong.
    """

    planck: Planck
    emissivity: float = 1.0
    reflected: float | None = None
    transmission: float = 1.0
    atmosphere: float | None = None
    window_transmission: float = 1.0
    window: float | None = None

    def __post_init__(self) -> None:
        shares = {
            "emissivity": (self.emissivity, "reflected", self.reflected),
            "transmission": (self.transmission, "atmosphere", self.atmosphere),
            "window_transmission": (self.window_transmission, "window", self.window),
        }
        for name, (share, source, kelvin) in shares.items():
            if not 0 < share <= 1:
                raise UserError(f"calibration: {name} must be above 0 and at most 1, found {share}")
            if share < 1 and (kelvin is None or not math.isfinite(self._signal(kelvin))):
                raise UserError(
                    f"calibration: {name}={share} needs {source}, a temperature in kelvin, found {kelvin}"
                )

    def to_kelvin(self, counts: np.ndarray) -> np.ndarray:
        share, rest = self._mixture()
        return self.planck.to_kelvin((np.asarray(counts, np.float64) - rest) / share)

    def to_counts(self, kelvin: np.ndarray) -> np.ndarray:
        share, rest = self._mixture()
        return share * self.planck.to_counts(kelvin) + rest

    def _mixture(self) -> tuple[float, float]:
        """The object's share of the signal, and the counts all else adds."""
        e, t, w = self.emissivity, self.transmission, self.window_transmission
        others = (
            (w * t * (1 - e), self.reflected),
            (w * (1 - t), self.atmosphere),
            (1 - w, self.window),
        )
        rest = 0.0
        for weight, kelvin in others:
            if weight > 0 and kelvin is not None:
                rest += weight * self._signal(kelvin)
        return w * t * e, rest

    def _signal(self, kelvin: float) -> float:
        return float(self.planck.to_counts(np.array(kelvin)))


@dataclass(frozen=True)
class AirAbsorption:
    """How a FLIR camera's band is absorbed by the water in air: tags AtmosphericTransAlpha1 to ...X.

    The defaults are those FLIR's files of long-wave cameras carry.
    """

    alpha1: float = 0.006569
    alpha2: float = 0.01262
    beta1: float = -0.002276
    beta2: float = -0.00667
    x: float = 1.9

    def transmission(self, *, distance: float, humidity: float, kelvin: float) -> float:
        """Share of the signal left after `distance` metres of air; humidity relative, in [0, 1].

        FLIR's formula (Minkina and Dudzik, Infrared Thermography: Errors and Uncertainties, 2009), with the
        water content from a cubic fit in degrees Celsius. Raises UserError out of range.
        """
        if not (distance >= 0 and 0 <= humidity <= 1 and kelvin > 0):
            raise UserError(
                "transmission of air: needs distance >= 0 m, humidity in [0, 1] and a temperature above 0 K, "
                f"found {distance}, {humidity} and {kelvin}"
            )
        celsius = kelvin - ZERO_CELSIUS
        fit = 1.5587 + 6.939e-2 * celsius - 2.7816e-4 * celsius**2 + 6.8455e-7 * celsius**3
        water = math.sqrt(humidity * math.exp(fit))
        path = math.sqrt(distance)
        first = math.exp(-path * (self.alpha1 + self.beta1 * water))
        second = math.exp(-path * (self.alpha2 + self.beta2 * water))
        return self.x * first + (1 - self.x) * second
