"""Temperatures."""

import numpy as np
import pytest

from detector.synth.climate import Climate, draw_climate


def test_clothing_lies_between_air_and_skin_at_night():
    night = Climate(air=275.0, ground=274.0, sky=262.0, sun=0.0, clear=1.0)
    surfaces = [night.clothed(conductance) for conductance in (0.0, 0.3, 0.7, 1.0)]
    assert surfaces[0] == 275.0
    assert surfaces == sorted(surfaces)
    assert surfaces[-1] <= night.skin


def test_people_may_be_warmer_or_cooler_than_the_ground():
    climates = [draw_climate(np.random.default_rng(seed)) for seed in range(300)]
    warmer = np.mean([climate.clothed(0.5) > climate.ground for climate in climates])
    assert 0.5 < warmer < 0.9


def test_nights_have_no_sun_and_days_heat_the_ground():
    climates = [draw_climate(np.random.default_rng(seed)) for seed in range(300)]
    days = [climate for climate in climates if climate.sun > 0]
    assert 0.4 < len(days) / len(climates) < 0.7
    assert all(climate.ground > climate.air for climate in days)
    assert all(climate.sky < climate.air for climate in climates)


def test_bare_skin_cools_with_the_air():
    warm, cold = (Climate(air=air, ground=air, sky=air - 9, sun=0.0, clear=0.5) for air in (300.0, 270.0))
    assert warm.skin == pytest.approx(307.0)
    assert 300 < cold.skin < warm.skin
