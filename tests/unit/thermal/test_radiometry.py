import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UserError
from detector.structures import Calibration
from detector.thermal.radiometry import AirAbsorption, Linear, Planck, ThroughAir

# FLIR SC660, as in https://github.com/gtatters/ThermimageCalibration.
SC660 = Planck.from_flir_tags(r1=21106.77, r2=0.012545258, b=1501.0, f=1.0, o=-7340.0)
AIR = AirAbsorption()
OUTDOORS = ThroughAir(
    SC660,
    emissivity=0.9,
    reflected=263.15,
    transmission=0.8,
    atmosphere=283.15,
    window_transmission=0.7,
    window=303.15,
)
ALL: dict[str, Calibration] = {
    "TLinear": Linear(0.01),
    "falling": Linear(-0.05, 400.0),
    "Planck": SC660,
    "through air": OUTDOORS,
}
quick = settings(max_examples=50, deadline=None)
temperatures = st.lists(st.floats(200.0, 900.0), min_size=2, max_size=20)


def test_tlinear_as_flirs_manuals_have_it() -> None:
    """Duo user guide: degrees Celsius = 0.01 counts - 273.15; Duo Pro R: 0.04 counts - 273.15."""
    np.testing.assert_allclose(Linear(0.01).to_kelvin(np.array([27315, 30000])), [273.15, 300.0])
    np.testing.assert_allclose(Linear(0.04).to_kelvin(np.array([7500], np.uint16)), [300.0])
    np.testing.assert_allclose(Linear(0.01).to_counts(np.array([300.0])), [30000])


@pytest.mark.parametrize(
    ("emissivity", "window", "surroundings", "celsius"),
    [
        (0.96, 1.0, 20.0, [33.2, 28.7, 40.8]),
        (0.90, 1.0, 20.0, [34.0, 29.3, 42.0]),
        (0.96, 0.7, 20.0, [38.4, 32.2, 48.5]),
        (0.96, 1.0, 40.0, [32.2, 27.7, 39.9]),
    ],
)
def test_temperatures_of_flirs_own_software(
    emissivity: float, window: float, surroundings: float, celsius: list[float]
) -> None:
    """Three pixels of an SC660's picture as FLIR's ThermaCAM Researcher Pro 2.9 gives them, to 0.1 degrees.

    Raw counts and temperatures were published by G. Tattersall (ThermimageCalibration, IguanaImageData): one
    metre of air of 50 % humidity, and everything around the object at one temperature.
    """
    around = surroundings + 273.15
    calibration = ThroughAir(
        SC660,
        emissivity=emissivity,
        reflected=around,
        transmission=AIR.transmission(distance=1.0, humidity=0.5, kelvin=around),
        atmosphere=around,
        window_transmission=window,
        window=around,
    )
    kelvin = calibration.to_kelvin(np.array([19852, 19003, 21374], np.uint16))
    np.testing.assert_allclose(kelvin - 273.15, celsius, atol=0.051)  # half of the last digit


def test_planck_is_the_inverse_of_its_equation_by_hand() -> None:
    """S = r / (exp(b / T) - f) + o with b / T = ln 4: 600 / (4 - 1) + 50 = 250 counts."""
    planck = Planck(r=600.0, b=300.0 * np.log(4.0), f=1.0, o=50.0)
    np.testing.assert_allclose(planck.to_counts(np.array([300.0])), [250.0])
    np.testing.assert_allclose(planck.to_kelvin(np.array([250.0])), [300.0])


def test_the_mixture_by_hand() -> None:
    """Signals above o: object 200, reflected 100, air 50, window 10, mixed as the docstring has it."""
    planck = Planck(r=100.0, b=100.0, f=1.0, o=7.0)

    def kelvin(signal: float) -> float:
        return 100.0 / np.log(100.0 / signal + 1.0)

    calibration = ThroughAir(
        planck,
        emissivity=0.9,
        reflected=kelvin(100),
        transmission=0.8,
        atmosphere=kelvin(50),
        window_transmission=0.5,
        window=kelvin(10),
    )
    mixed = 0.5 * (0.8 * (0.9 * 200 + 0.1 * 100) + 0.2 * 50) + 0.5 * 10 + 7.0
    np.testing.assert_allclose(calibration.to_counts(np.array([kelvin(200)])), [mixed])
    np.testing.assert_allclose(calibration.to_kelvin(np.array([mixed])), [kelvin(200)])


def test_clear_air_and_a_black_body_change_nothing() -> None:
    counts = np.arange(10000.0, 40000.0, 500.0)
    np.testing.assert_array_equal(ThroughAir(SC660).to_kelvin(counts), SC660.to_kelvin(counts))


def test_transmission_of_air() -> None:
    assert AIR.transmission(distance=0.0, humidity=0.9, kelvin=310.0) == pytest.approx(1.0)
    near = AIR.transmission(distance=10.0, humidity=0.5, kelvin=293.15)
    # Water: 0.5 exp(1.5587 + 1.3878 - 0.111264 + 0.0054764) = 8.5640, its root 2.92643; then
    # 1.9 exp(-sqrt(10) (0.006569 - 0.002276 2.92643)) - 0.9 exp(-sqrt(10) (0.01262 - 0.00667 2.92643)).
    assert near == pytest.approx(1.9 * 1.000289 - 0.9 * 1.022057, abs=1e-5)
    assert AIR.transmission(distance=50.0, humidity=0.5, kelvin=293.15) < near
    assert AIR.transmission(distance=10.0, humidity=0.9, kelvin=293.15) < near


@pytest.mark.parametrize("name", ALL)
@quick
@given(kelvin=temperatures)
def test_there_and_back(name: str, kelvin: list[float]) -> None:
    there = np.array(kelvin)
    if name == "falling":
        there = there.clip(max=400.0)
    np.testing.assert_allclose(ALL[name].to_kelvin(ALL[name].to_counts(there)), there, rtol=1e-9)


@pytest.mark.parametrize("name", ALL)
@quick
@given(kelvin=temperatures)
def test_hotter_is_more_counts_and_fewer_where_the_gain_is_negative(name: str, kelvin: list[float]) -> None:
    there = np.unique(np.round(kelvin, 3))
    steps = np.diff(ALL[name].to_counts(there))
    assert np.all(steps < 0) if name == "falling" else np.all(steps > 0)


@pytest.mark.parametrize("name", ALL)
@quick
@given(counts=st.lists(st.integers(0, 65535), min_size=1, max_size=20))
def test_every_count_has_a_positive_temperature_or_none(name: str, counts: list[int]) -> None:
    kelvin = ALL[name].to_kelvin(np.array(counts, np.uint16))
    assert kelvin.dtype == np.float64
    assert np.all(np.isnan(kelvin) | ((kelvin >= 0) & np.isfinite(kelvin)))


@pytest.mark.parametrize("name", ALL)
def test_shapes_are_kept(name: str) -> None:
    assert ALL[name].to_kelvin(np.full((2, 3, 4), 20000)).shape == (2, 3, 4)
    assert ALL[name].to_counts(np.full((2, 3), 300.0)).shape == (2, 3)
    assert ALL[name].to_kelvin(np.empty((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("name", ALL)
def test_no_temperature_at_or_below_absolute_zero_has_counts(name: str) -> None:
    assert np.isnan(ALL[name].to_counts(np.array([-1.0, -1e9, np.nan]))).all()


def test_outside_the_domain_is_nan_without_a_warning() -> None:
    """At o there is no signal; f below 1 leaves hot counts without a logarithm above 0."""
    np.testing.assert_array_equal(
        np.isnan(SC660.to_kelvin(np.array([0, 7339, 7340, 7341]))), [True, True, True, False]
    )
    planck = Planck(r=100.0, b=100.0, f=0.5, o=0.0)
    np.testing.assert_array_equal(np.isnan(planck.to_kelvin(np.array([199.0, 200.0, 201.0]))), [0, 1, 1])
    steep = Planck(r=100.0, b=100.0, f=np.e, o=0.0)  # its temperatures end at b / ln(f) = 100 K
    np.testing.assert_array_equal(np.isnan(steep.to_counts(np.array([1e-9, 99.0, 101.0]))), [0, 0, 1])
    np.testing.assert_array_equal(np.isnan(Linear(0.01, -10.0).to_kelvin(np.array([999, 1000]))), [1, 0])


def test_as_flyr_computes() -> None:
    """flyr takes the air as two layers, each of half the way."""
    flyr = pytest.importorskip("flyr", reason="needs the package flyr")
    counts = np.arange(9000, 40000, 250).reshape(4, -1)
    settings_of_file = {
        "emissivity": 0.93,
        "object_distance": 12.0,
        "atmospheric_temperature": 278.15,
        "ir_window_temperature": 288.15,
        "ir_window_transmission": 1.0,
        "reflected_apparent_temperature": 268.15,
        "relative_humidity": 0.6,
        "planck_r1": 21106.77,
        "planck_r2": 0.012545258,
        "planck_b": 1501.0,
        "planck_f": 1.0,
        "planck_o": -7340,
        "atmospheric_trans_alpha1": AIR.alpha1,
        "atmospheric_trans_alpha2": AIR.alpha2,
        "atmospheric_trans_beta1": AIR.beta1,
        "atmospheric_trans_beta2": AIR.beta2,
        "atmospheric_trans_x": AIR.x,
    }
    half = AIR.transmission(distance=6.0, humidity=0.6, kelvin=278.15)
    calibration = ThroughAir(
        SC660, emissivity=0.93, reflected=268.15, transmission=half**2, atmosphere=278.15
    )
    theirs = flyr.FlyrThermogram(counts, settings_of_file).kelvin
    np.testing.assert_allclose(calibration.to_kelvin(counts), theirs, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0.0), "gain=0.0"),
        (lambda: Linear(float("nan")), "gain=nan"),
        (lambda: Linear(0.01, float("inf")), "offset=inf"),
        (lambda: Planck(0.0, 1.0, 1.0, 0.0), "r=0.0"),
        (lambda: Planck(1.0, -1.0, 1.0, 0.0), "b=-1.0"),
        (lambda: Planck(1.0, 1.0, 1.0, float("nan")), "o=nan"),
        (lambda: Planck.from_flir_tags(r1=1.0, r2=0.0, b=1.0, f=1.0, o=0.0), "r2"),
        (lambda: ThroughAir(SC660, emissivity=0.0), "emissivity must be above 0"),
        (lambda: ThroughAir(SC660, transmission=1.1), "transmission must be above 0"),
        (lambda: ThroughAir(SC660, emissivity=0.9), "emissivity=0.9 needs reflected.*found None"),
        (lambda: ThroughAir(SC660, transmission=0.9, atmosphere=-5.0), "needs atmosphere.*found -5"),
        (lambda: ThroughAir(SC660, window_transmission=0.9), "needs window"),
        (lambda: AIR.transmission(distance=-1.0, humidity=0.5, kelvin=290.0), "distance >= 0"),
        (lambda: AIR.transmission(distance=1.0, humidity=50.0, kelvin=290.0), "humidity in"),
    ],
)
def test_calibrations_that_cannot_be(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(UserError, match=message):
        make()
