"""Every configuration composes with every other, builds what it names, and holds no key that nobody reads."""

from __future__ import annotations

import copy
import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from detector.app import commands
from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.settings import plain, typed
from detector.engine.budget import fitted
from detector.engine.settings import EngineSettings, InferenceSettings

ROOT = Path(CONFIGS)
APART = ("experiment", "study", "tune", "tracker", "events")
OPTIONS = {
    group.name: sorted(file.stem for file in group.glob("[!_]*.yaml"))
    for group in sorted(ROOT.iterdir())
    if group.is_dir() and group.name not in APART
}
EXPERIMENTS = sorted(file.stem for file in (ROOT / "experiment").glob("*.yaml"))
STUDIES = sorted(file.stem for file in (ROOT / "study").glob("[!_]*.yaml"))
PARTS = ("thermal", "model", "assigner", "criterion", "augment", "optimizer", "postprocess")
GIVEN: Mapping[str, Mapping[str, Any]] = {"model": {"classes": 3}, "augment": {"multiple": 16}}
"""Arguments that depend on the data set or the network and so stand in no file."""

TRAINING = {group: options for group, options in OPTIONS.items() if group != "data"} | {
    "data": [option for option in OPTIONS["data"] if option != "checkpoint"],
    "experiment": ["null", *EXPERIMENTS],
}
"""Every choice of a training."""


@functools.cache
def composed(*overrides: str) -> DictConfig:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        return hydra.compose("train", overrides=list(overrides))


def changed(*overrides: str) -> DictConfig:
    """As composed, which takes a third of a second, but composes a choice of options once for all values."""
    values = [override for override in overrides if re.match(r"\w+(\.\w+)+=", override)]
    config = copy.deepcopy(composed(*(override for override in overrides if override not in values)))
    for override in OverridesParser.create().parse_overrides(values):
        OmegaConf.update(config, override.key_or_group, override.value())  # refused where there is none
    return config


def ranges(options: Mapping[str, str]) -> list[str]:
    """What must be given with some options."""
    return ["thermal.low=1", "thermal.high=400"] if options.get("thermal", "").startswith("fixed") else []


def built(config: DictConfig) -> None:
    """Build every part of a training, all that the data set itself need not be there for."""
    values = plain(config)
    for part in PARTS:
        build(part, values[part], **GIVEN.get(part, {}))
    build("bins", values["evaluation"]["bins"])
    build("source", values["data"]["source"], root="nowhere")
    typed(EngineSettings, fitted(values["engine"], frames=1000, processes=1), where="engine")


def keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Dotted names of everything in it."""
    for key in map(str, config):
        yield prefix + key
        node = None if OmegaConf.is_missing(config, key) else config._get_node(key)
        if isinstance(node, DictConfig):
            yield from keys(node, f"{prefix}{key}.")


def rows(groups: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """Few choices of one option from every group, in which each two options of two groups meet.

    Greedy: every row starts from a pair that has not met, then takes from each group the option that brings
    most new pairs.
    """
    left = {
        frozenset(((a, x), (b, y)))
        for a, b in itertools.combinations(groups, 2)
        for x, y in itertools.product(groups[a], groups[b])
    }
    found = []
    while left:
        row = dict(min(left, key=sorted))
        for group in groups:
            if group not in row:
                met = [
                    sum(frozenset(((group, option), chosen)) in left for chosen in row.items())
                    for option in groups[group]
                ]
                row[group] = groups[group][met.index(max(met))]
        left -= {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        # In one order: the workers of a parallel run must find the same tests.
        found.append({group: row[group] for group in groups})
    return found


def test_few_rows_hold_every_pair():
    groups = {"a": ["1", "2", "3"], "b": ["1", "2"], "c": ["1", "2", "3"], "d": ["1"]}
    found = rows(groups)
    for a, b in itertools.combinations(groups, 2):
        met = {(row[a], row[b]) for row in found}
        assert met == set(itertools.product(groups[a], groups[b])), (a, b)
    assert len(found) < 3 * 2 * 3


@pytest.mark.parametrize("row", rows(TRAINING), ids=lambda row: "-".join(row.values()))
def test_every_two_options_compose_and_build(row):
    chosen = [f"{group}={option}" for group, option in row.items() if option != "null"]
    built(composed(*chosen, *ranges(row)))


def test_there_is_something_to_test():
    assert set(TRAINING) >= {"data", "model", "assigner", "criterion", "optimizer", "thermal", "experiment"}
    assert "hit_uav" in EXPERIMENTS


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_a_small_difference_of_known_keys(name):
    lines = (ROOT / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith("#")]) <= 25
    added = set(keys(composed(f"experiment={name}"))) - set(keys(composed()))
    inside = tuple(f"{part}." for part in PARTS)  # what their constructors do not know, they refuse
    assert {key for key in added if not key.startswith(inside)} == set(), f"{name} sets keys nobody reads"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_an_experiment_says_stands(name):
    config = composed(f"experiment={name}")
    said = OmegaConf.load(ROOT / "experiment" / f"{name}.yaml")
    assert isinstance(said, DictConfig)
    said.pop("defaults", None)
    for key in keys(said):
        if not isinstance(value := OmegaConf.select(said, key), DictConfig):
            assert OmegaConf.select(config, key) == value, key


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_a_study_is_a_training_that_builds(name):
    places = ("+study.hit_uav=somewhere", "++study.set=somewhere", "++study.weights=some.pt")
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        study = hydra.compose("study", overrides=[f"study={name}", *places]).study
        for command, *overrides in study.prepare:
            assert command in commands.COMMANDS
            hydra.compose(command, overrides=overrides)
    assert study.name == name
    assert study.baseline in study.arms
    first, *others = study.conditions.values() or [[]]
    for overrides in study.arms.values():
        built(changed(*study.base, *first, *overrides))
    for condition in others:
        built(changed(*study.base, *condition, *study.arms[study.baseline]))
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        for overrides in study.tests.values():
            hydra.compose("evaluate", overrides=list(overrides))


def test_every_data_option_is_one_shape():
    shapes = {option: set(composed(f"data={option}").data) for option in TRAINING["data"]}
    assert len(shapes) >= 3
    assert len({frozenset(shape) for shape in shapes.values()}) == 1, shapes


def test_every_command_has_a_configuration_and_every_configuration_a_command():
    files = {file.stem for file in ROOT.glob("[!_]*.yaml")}
    assert files == set(commands.COMMANDS)


@pytest.mark.parametrize("name", ["evaluate", "predict", "frames", "compare_suppression", "summary"])
def test_inference_has_one_set_of_engine_settings(name):
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose(name)
    assert set(config.engine) == {field.name for field in fields(InferenceSettings)}
    typed(InferenceSettings, config.engine, where="engine")


def test_training_needs_nothing_to_be_given():
    assert OmegaConf.missing_keys(composed()) == set()


def test_no_configuration_names_a_place_outside_the_repository():
    for file in ROOT.rglob("*.yaml"):
        text = file.read_text()
        assert not re.search(r"(?<![\w.}])/(work|home|root|tmp|mnt)/", text), file
        assert "../" not in text, file


def test_no_configuration_names_code():
    for file in ROOT.rglob("*.yaml"):
        assert not re.search(r"_target_|_partial_|_convert_|get_method|name: \S*[.:]", file.read_text()), file


def test_the_hydra_block_stands_once():
    holders = [
        file.name
        for file in ROOT.rglob("*.yaml")
        if re.search(r"job_logging|output_subdir", file.read_text())
    ]
    assert holders == ["_hydra.yaml"]
