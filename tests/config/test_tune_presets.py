"""Every preset of thermal-detector tune is a procedure of trainings that build."""

import functools

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf

from detector.app.commands.tune import procedure_of
from detector.app.configs import CONFIGS
from detector.app.parts import build
from detector.app.settings import plain
from detector.app.tuning import winner
from detector.tuning.optuna_search import Sampling
from detector.tuning.phases import Phases, search
from tests.config.test_configs import ROOT, composed

PRESETS = sorted(file.stem for file in (ROOT / "tune").glob("*.yaml") if not file.stem.startswith("_"))


@functools.cache
def preset(name: str) -> DictConfig:
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        return hydra.compose("tune", overrides=[f"tune={name}", "+tune.hit_uav=somewhere"]).tune


@pytest.mark.parametrize("name", PRESETS)
def test_every_trial_is_a_training_that_builds_and_the_budget_is_spent(name):
    tune = preset(name)
    assert tune.name == name
    phases = procedure_of(tune)
    assert isinstance(phases, Phases)

    base = composed(*tune.base, *tune.budget)

    def score(trials, ended):
        for trial in trials:
            config = base.copy()
            for override in phases.space.overrides(trial.setting):
                key, value = override.split("=")
                OmegaConf.update(config, key, float(value))
            assert callable(build("criterion", plain(config.criterion))), trial
            ended(trial, (float(trial.number),))

    trials = search(phases, score=score, record=lambda _: None)
    assert len(trials) == tune.trials == 10, "criteria compare only after as many trials"
    shipped = {short: OmegaConf.select(composed(*tune.base), key) for short, key in tune.parameters.items()}
    assert trials[0].trial.setting == phases.space.start == shipped, "what ships is a candidate"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_sampled(name):
    tune = preset(name).copy()
    tune.strategy = "optuna"
    assert isinstance(procedure_of(tune), Sampling)


@pytest.mark.parametrize("name", PRESETS)
def test_every_winner_will_be_an_experiment_file_that_says_the_same(name):
    tune = preset(name)
    space = procedure_of(tune).space
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        winner.check_winner(tune.name, (*tune.base, *space.overrides(space.start)))
