"""A default stands in one place: where a configuration gives a value, the code has none of its own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from detector.app import parts
from detector.doctor.limits import Limits
from detector.engine.settings import EngineSettings
from detector.synth.above import AboveParams
from detector.synth.dataset import DatasetParams
from detector.synth.scene import SceneParams
from detector.synth.sensor import SensorParams
from tests.built import CONFIGS, settings_at

OPTIONS = sorted(
    f"{file.parent.name}/{file.stem}"
    for file in CONFIGS.glob("*/[!_]*.yaml")
    if file.parent.name not in ("experiment", "study", "tune")
)
TYPED = {
    "engine/default": EngineSettings,
    "synth:dataset": DatasetParams,
    "synth:above": AboveParams,
    "synth:scene": SceneParams,
    "synth:sensor": SensorParams,
    "doctor:limits": Limits,
}
"""Groups of settings that become one dataclass."""

OTHERWISE = {"set_loss"}
"""Kinds of losses that one option puts in place of what the others leave to the code: no value of theirs."""

Read = tuple[str, Callable[..., Any], Mapping[str, Any]]
"""Where settings stand, what takes them, and the settings."""


def named(kind: str, node: Any, where: str) -> Iterator[Read]:
    """The parts of ours that a node describes, from the outermost on."""
    if not isinstance(node, Mapping):
        return
    if kind in parts.GROUPS:
        for name, member in node.items():
            yield from part(kind, member, f"{where}.{name}")
    else:
        yield from part(kind, node, where)


def part(kind: str, node: Mapping[str, Any], where: str) -> Iterator[Read]:
    kind = parts.SAME_KIND.get(kind, kind)
    place = parts.ONLY.get(kind) or parts.PARTS.get(kind, {}).get(str(node.get("name")))
    if place is not None:
        module, _, attribute = place.partition(":")
        yield where, getattr(importlib.import_module(f"detector.{module}"), attribute), node
    for key, value in node.items():
        yield from named(key, value, f"{where}.{key}")


def doubled(takes: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    parameters = inspect.signature(takes).parameters
    asked = [parameters[key] for key in given if key in parameters and key not in OTHERWISE]
    return [parameter.name for parameter in asked if parameter.default is not inspect.Parameter.empty]


@pytest.mark.parametrize("option", OPTIONS)
def test_no_part_has_a_default_for_what_its_option_gives(option: str) -> None:
    group = option.partition("/")[0]
    found = {where: doubled(takes, node) for where, takes, node in named(group, settings_at(option), group)}
    assert {where: keys for where, keys in found.items() if keys} == {}


@pytest.mark.parametrize("place", TYPED)
def test_no_typed_settings_have_defaults(place: str) -> None:
    assert doubled(TYPED[place], settings_at(place)) == []


def test_parts_are_found_wherever_they_stand() -> None:
    places = [
        where
        for option in OPTIONS
        for where, _, _ in named(option.partition("/")[0], settings_at(option), option)
    ]
    assert {
        "augment/strong",
        "augment/strong.objects.pole",
        "augment/strong.rule",
        "data/synthetic.source",
        "evaluation/default.bins",
        "postprocess/soft.suppression",
        "thermal/clahe.base",
    } <= set(places)
