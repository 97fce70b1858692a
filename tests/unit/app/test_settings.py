"""Typed settings from configurations."""

from dataclasses import dataclass

import pytest
from omegaconf import OmegaConf

from detector.app.settings import plain, typed
from detector.engine.budget import fitted
from detector.engine.settings import EngineSettings
from detector.errors import UserError
from tests.built import settings_at


@dataclass(frozen=True)
class Given:
    count: int
    rate: float
    most: int | None
    jobs: int | str
    sizes: list[float]


ENGINE = fitted(settings_at("engine/default"), frames=1000, processes=1)
GIVEN = {"count": 3, "rate": 1, "most": None, "jobs": "auto", "sizes": [1, 2.5]}


def test_values_get_the_types_of_the_dataclass():
    found = typed(Given, OmegaConf.create(GIVEN), where="x")
    assert found == Given(3, 1.0, None, "auto", [1.0, 2.5])
    assert isinstance(found.rate, float)
    assert typed(Given, GIVEN, where="x") == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 2.5}, r"x\.count: "),
        ({"count": "many"}, r"x\.count: "),
        ({"sizes": ["a"]}, r"x\.sizes"),
        ({"other": 1}, r"x\.other: "),
    ],
)
def test_a_value_that_does_not_fit_is_named(change, message):
    with pytest.raises(UserError, match=f"^{message}"):
        typed(Given, {**GIVEN, **change}, where="x")


def test_interpolations_are_resolved():
    assert plain(OmegaConf.create({"a": 2, "b": ["${a}"]})) == {"a": 2, "b": [2]}
    assert plain({"a": "${b}"}) == {"a": "${b}"}


def test_the_shipped_engine_is_what_the_dataclass_says():
    assert typed(EngineSettings, ENGINE, where="engine").epochs >= 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("epochs", 0),
        ("accumulate", 0),
        ("evaluate_every", 0),
        ("log_every", 0),
        ("cache_mib", -1),
        ("no_mosaic_fraction", 1.5),
        ("lr_floor", -0.1),
        ("warmup_fraction", 1.0),
        ("ema_decay", 1.0),
        ("clip_norm", 0.0),
        ("patience", 0),
    ],
)
def test_engine_settings_that_cannot_be_are_refused_by_key(name, value):
    with pytest.raises(UserError, match=rf"^engine\.{name}={value}: must be "):
        typed(EngineSettings, {**ENGINE, name: value}, where="engine")
