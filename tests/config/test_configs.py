"""Every configuration composes, builds what it names, and holds no key that nobody reads."""

import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.utils import get_method, get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from detector.app.cli import CONFIGS
from detector.app.commands import train

ROOT = Path(CONFIGS)
EXPERIMENTS = sorted(file.stem for file in (ROOT / "experiment").glob("*.yaml"))
STUDIES = sorted(file.stem for file in (ROOT / "study").glob("[!_]*.yaml"))
OPTIONS = sorted(
    (file.parent.name, file.stem)
    for file in ROOT.glob("*/*.yaml")
    if not file.stem.startswith("_") and file.parent.name not in ("experiment", "study", "tune")
)
GIVEN_BY_CODE = {"classes"}
"""Constructor arguments that depend on the data set and so stand in no file."""


@functools.cache
def composed(*overrides: str) -> DictConfig:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        return hydra.compose("train", overrides=list(overrides))


def keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Dotted names of everything in it."""
    for key in map(str, config):
        yield prefix + key
        node = None if OmegaConf.is_missing(config, key) else config._get_node(key)
        if isinstance(node, DictConfig):
            yield from keys(node, f"{prefix}{key}.")


def built(config: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node with a _target_, as plain values, with its place."""
    if isinstance(config, dict):
        if "_target_" in config:
            yield where, config
        for key, value in config.items():
            yield from built(value, f"{where}.{key}".lstrip("."))


def assert_targets_fit(config: DictConfig) -> None:
    found = list(built(OmegaConf.to_container(config, resolve=False)))
    assert found
    for where, node in found:
        target = get_object(node["_target_"])
        assert callable(target), where
        if target is get_method:
            assert callable(get_method(node["path"])), where
            continue
        parameters = inspect.signature(target).parameters
        kinds = {parameter.kind for parameter in parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{where}: {target} takes any keyword"
        given = {key for key in node if not key.startswith("_")}
        assert given <= set(parameters), f"{where}: {given - set(parameters)} unknown to {node['_target_']}"
        if not node.get("_partial_"):
            needed = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
            assert needed <= given | GIVEN_BY_CODE, f"{where}: {needed - given} missing"


def test_there_is_something_to_test():
    assert {group for group, _ in OPTIONS} >= {
        "data",
        "model",
        "assigner",
        "criterion",
        "optimizer",
        "thermal",
    }
    assert "hit_uav" in EXPERIMENTS


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_composes_and_its_keys_are_its_constructor_s(group, option):
    node = composed(f"{group}={option}")[group]
    if (group, option) != ("data", "checkpoint") and group != "engine":
        assert_targets_fit(OmegaConf.create({group: node}))


@pytest.mark.parametrize(
    ("group", "option"),
    [pair for pair in OPTIONS if pair[0] not in ("data", "engine", "evaluation", "model")],
)
def test_every_option_builds(group, option):
    ranges = ["thermal.low=1", "thermal.high=10"] if group == "thermal" and option.startswith("fixed") else []
    assert callable(instantiate(composed(f"{group}={option}", *ranges)[group]))


@pytest.mark.parametrize("option", [option for group, option in OPTIONS if group == "model"])
def test_every_model_builds(option):
    model = instantiate(composed(f"model={option}").model, classes=3)
    assert model.stride % 4 == 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_a_small_difference_of_known_keys(name):
    lines = (ROOT / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith("#")]) <= 25
    choices = [f"{group}={name}" for group in ("data",) if (ROOT / group / f"{name}.yaml").is_file()]
    plain, config = composed(*choices), composed(*choices, f"experiment={name}")
    assert_targets_fit(config)
    inside = tuple(f"{where}." for where, _ in built(OmegaConf.to_container(config)))
    added = {key for key in set(keys(config)) - set(keys(plain)) if not key.startswith(inside)}
    assert added == set(), f"{name} sets keys that nothing reads"
    for part in ("thermal", "assigner", "criterion", "optimizer", "augment", "postprocess"):
        instantiate(config[part])


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_a_study_is_a_training_that_builds(name):
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        study = hydra.compose("study", overrides=[f"study={name}"]).study
        for script, *overrides in study.prepare:
            hydra.compose(Path(script).stem, overrides=overrides)
    assert study.name == name
    assert study.baseline in study.arms
    for condition in study.conditions.values() or [[]]:
        for arm, overrides in study.arms.items():
            config = composed(*study.base, *condition, *overrides)
            assert_targets_fit(config)
            for part in ("criterion", "optimizer", "augment"):
                assert callable(instantiate(config[part])), (arm, part)


def test_every_engine_setting_is_read():
    app = "".join(file.read_text() for file in Path(train.__file__).parent.glob("*.py"))
    read = set(re.findall(r"engine\.(\w+)", app)) | set(train.SETTINGS)
    assert set(composed().engine) <= read


def test_every_data_option_is_one_shape():
    options = [option for group, option in OPTIONS if group == "data" and option != "checkpoint"]
    shapes = {option: set(composed(f"data={option}").data) for option in options}
    assert len(options) >= 3
    assert len({frozenset(shape) for shape in shapes.values()}) == 1, shapes


def test_evaluation_has_no_setting_that_training_has_not():
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("evaluate", overrides=["checkpoint=a.pt"])
    assert set(config.engine) < set(composed().engine)
    assert OmegaConf.missing_keys(config) == set()


def test_training_needs_nothing_to_be_given():
    assert OmegaConf.missing_keys(composed()) == set()


def test_no_configuration_names_a_place_on_this_machine():
    for file in ROOT.rglob("*.yaml"):
        assert not re.search(r"(?<![\w.}])/(work|home|root|tmp|mnt)/", file.read_text()), file
