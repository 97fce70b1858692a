"""The command that writes the synthetic set."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from detector.app.commands.synth import run
from detector.app.configs import CONFIGS
from detector.errors import UserError

TINY = [
    "dataset={train: 1, val: 1, test: 1, frames_per_scene: 1}",
    "scene.width=64",
    "scene.height=48",
    "scene.fine=1",
    "processes=1",
]


def config(*overrides: str) -> DictConfig:
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        return compose("synth", overrides=[*TINY, *overrides])


def test_it_writes_once_and_says_so(tmp_path, capsys):
    root = tmp_path / "set"
    run(config(f"root={root}"))
    assert "written in" in capsys.readouterr().out
    assert len(list(root.rglob("*.png"))) == 3
    run(config(f"root={root}"))
    assert "there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("scene.overlap=much", "scene.overlap: Value 'much'"),
        ("scene.overlap=2", "scene.overlap is 2.0"),
        ("sensor.netd_k=[1]", "sensor.netd_k"),
        ("+scene.overlp=0.1", "scene.overlp"),
        ("processes=0", "processes is 0"),
    ],
)
def test_a_value_that_cannot_be_is_one_line_with_its_key(tmp_path, override, message):
    with pytest.raises(UserError, match=message.replace("'", ".")) as caught:
        run(config(f"root={tmp_path / 'set'}", override))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
