"""A winner's file says what the overrides it is made of say."""

from __future__ import annotations

import hydra
import pytest
from omegaconf import OmegaConf

from detector.app.configs import CONFIGS
from detector.app.tuning.winner import check_winner, write_winner
from detector.errors import UserError

OVERRIDES = (
    "experiment=hit_uav",
    "thermal=clahe",  # which the experiment chooses too
    "criterion=bce_focal",
    "criterion.classification.gamma=1e-05",
    "augment.size=[64,96]",
    "+criterion.classification.extra='a: b'",
    "engine.patience=null",
)


@pytest.fixture(autouse=True)
def inside_a_command():
    """Hydra as it stands inside a command."""
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        yield


def test_the_file_composes_to_what_the_overrides_compose_to(tmp_path):
    path = write_winner("mine", OVERRIDES, tmp_path, about=["one line", "and another"])
    assert path == tmp_path / "experiment" / "mine.yaml"
    assert path.read_text().startswith(
        "# @package _global_\n# one line\n# and another\ndefaults:\n- hit_uav\n"
    )
    search = f"hydra.searchpath=[file://{tmp_path}]"
    found = hydra.compose("train", [search, "experiment=mine", "engine.epochs=5"])
    wanted = hydra.compose("train", [*OVERRIDES, "engine.epochs=5"])
    assert OmegaConf.to_container(found) == OmegaConf.to_container(wanted)
    assert found.thermal.name == "clahe"
    assert found.criterion.classification.gamma == 1e-5


def test_what_a_file_can_say_passes_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_winner("mine", OVERRIDES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("hit_uav", ["criterion=focal"], "tune.name=hit_uav: there is an experiment of that name"),
        ("mine", ["~criterion"], "~criterion: cannot stand in an experiment file"),
    ],
)
def test_what_a_file_cannot_say_is_found_before_the_tuning(name, overrides, message):
    with pytest.raises(UserError, match=message):
        check_winner(name, overrides)
