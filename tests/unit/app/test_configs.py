"""What the files of configs/ say without Hydra is what Hydra makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hydra
import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from detector.app import configs
from detector.app.commands import COMMANDS
from detector.app.configs import CONFIGS, Setting

GROUPS = sorted({choice.group for name in COMMANDS for choice in configs.choices(name)})
WITH_CHOICES = {
    "convert": ["data=voc"],
    "corrupt": ["data=csv"],
    "downsample": ["data=llvip"],
    "evaluate": ["postprocess=soft"],
    "split": ["data=yolo"],
    "study": ["study=label_noise"],
    "train": ["criterion=composite_compact", "augment=strong", "model=small", "thermal=clahe"],
    "tune": ["tune=bce_focal_synthetic"],
}


def leaves(config: DictConfig, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Unresolved values by dotted keys."""
    for key, value in OmegaConf.to_container(config, resolve=False).items():
        if isinstance(value, dict) and value:
            yield from leaves(OmegaConf.create(value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.mark.parametrize("name", COMMANDS)
def test_the_settings_are_those_that_hydra_composes(name):
    overrides = WITH_CHOICES.get(name, [])
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        expected = dict(leaves(hydra.compose(name, overrides)))
    found = configs.settings(name, overrides)
    assert set(found) == set(expected)
    for key, value in expected.items():
        if found[key].value != "...":
            nested = isinstance(value, list) and any(isinstance(part, list) for part in value)
            assert yaml.safe_load(found[key].value) == (value if nested else pytest.approx(value)), key


def test_meanings_are_the_comments_behind_values_or_above_them(tmp_path, monkeypatch):
    (tmp_path / "part").mkdir()
    (tmp_path / "some.yaml").write_text(
        """# thermal-detector some

# Not the heading.
defaults:
  - part: one
  - _self_
first: 1  # how many
text: "a # b"  # of what
# Two lines
# above.
second: [1, 2]
none: null
many:  # of them
  - x
nested:
  key: 0.5  # inside
part:
  given: 2
"""
    )
    (tmp_path / "part" / "one.yaml").write_text("# The one option.\ngiven: 1  # its meaning\nother: {}\n")
    monkeypatch.setattr(configs, "CONFIGS", str(tmp_path))
    assert configs.heading("some") == ["thermal-detector some"]
    assert configs.heading("part/one") == ["The one option."]
    assert configs.options("part") == ["one"]
    assert configs.settings("some") == {
        "part.given": Setting("2", "its meaning"),
        "part.other": Setting("{}", ""),
        "first": Setting("1", "how many"),
        "text": Setting('"a # b"', "of what"),
        "second": Setting("[1, 2]", "Two lines above."),
        "none": Setting("null", ""),
        "many": Setting("...", "of them"),
        "nested.key": Setting("0.5", "inside"),
    }
    assert configs.own_settings("some") == [
        "first",
        "text",
        "second",
        "none",
        "many",
        "nested.key",
        "part.given",
    ]


def test_choices_are_those_of_the_defaults_list_and_of_overrides():
    chosen = {
        choice.key: choice.option for choice in configs.choices("train", ["model=small", "+experiment=x"])
    }
    assert (chosen["model"], chosen["data"], chosen["experiment"]) == ("small", "synthetic", "x")
    (data,) = configs.choices("convert")
    assert (data.option, data.mandatory) == (None, True)
    assert "postprocess@methods.greedy_any_class" in {c.key for c in configs.choices("compare_suppression")}


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_says_what_it_is_in_one_line(group):
    for option in configs.options(group):
        assert configs.summary(f"{group}/{option}"), f"configs/{group}/{option}.yaml begins with no comment"


@pytest.mark.parametrize(
    ("command", "preset"),
    [(group, option) for group in ("study", "tune") for option in configs.options(group)],
)
def test_a_preset_asks_for_nothing_that_it_does_not_use(command, preset):
    found = configs.settings(command, [f"{command}={preset}"])
    asked = {key for key in found if key.startswith(f"{command}.") and found[key].value == "???"}
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        composed = OmegaConf.to_yaml(hydra.compose(command, [f"{command}={preset}"]), resolve=False)
    assert {key for key in asked if f"${{{key}}}" not in composed} == set()


def test_no_configuration_leads_out_of_the_project():
    for file in Path(CONFIGS).rglob("*.yaml"):
        assert "../" not in file.read_text(), file
