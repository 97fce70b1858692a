"""The gain of a checkpoint is the gain it was trained with."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.settings import plain
from detector.engine import checkpoint, description
from detector.thermal.agc import Agc
from tests.unit.thermal.agc_builders import scene

OVERRIDES = {
    "bit_depth": [],
    "fixed": ["thermal.low=6990", "thermal.high=7300"],
    "fixed_kelvin": [
        "thermal.low=280",
        "thermal.high=310",
        "thermal.calibration={name: linear, gain: 0.04, offset: 0.5}",
    ],
    "percentile": ["thermal.low=3", "thermal.min_span=20"],
    "sequence": ["thermal.high=90"],
    "plateau": ["thermal.limit=2"],
    "clahe": ["thermal.limit=1.5", "thermal.base.low=2", "thermal.rows=2"],
}


def agcs(folder: Path, name: str, overrides: list[str]) -> tuple[Agc, Agc]:
    """The gain of a configuration, and that of a checkpoint made with it."""
    option = OmegaConf.load(Path(CONFIGS) / "thermal" / f"{name}.yaml")
    config = OmegaConf.merge({"thermal": option}, OmegaConf.from_dotlist(overrides))
    settings = plain(config)["thermal"]
    groups = {**{name: {} for name in description.USED}, "thermal": settings}
    state = {"config": groups, "classes": ["person"], "thresholds": None, "ema": {}}
    checkpoint.save(folder / "last.pt", state)
    saved = checkpoint.load(folder / "last.pt")["config"]["thermal"]
    return build("thermal", settings), build("thermal", saved)


def test_every_gain_is_here() -> None:
    assert set(OVERRIDES) == {file.stem for file in (Path(CONFIGS) / "thermal").glob("*.yaml")}


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_checkpoint_s_gain_gives_the_same_input(tmp_path: Path, name: str) -> None:
    before, after = agcs(tmp_path, name, OVERRIDES[name])
    assert before == after
    frames = [scene(seed) for seed in range(3)]
    image = before.for_sequence(frames)(frames[0])
    np.testing.assert_array_equal(after.for_sequence(frames)(frames[0]), image)
    assert len(np.unique(image)) > 5
    if OVERRIDES[name] and name not in ("fixed", "fixed_kelvin"):
        default, _ = agcs(tmp_path, name, [])
        assert not np.array_equal(default.for_sequence(frames)(frames[0]), image)
