"""How a training begins."""

from __future__ import annotations

import pytest
import torch

from detector.app import initial
from detector.app.initial import kin, shipped_for, start
from detector.app.parts import build
from detector.engine import checkpoint
from detector.errors import UserError
from tests.built import settings_at

NANO, PICO = settings_at("model/nano"), settings_at("model/pico")


def network(settings, classes, *, seed):
    torch.manual_seed(seed)
    return build("model", settings, classes=classes)


@pytest.fixture
def run(tmp_path):
    """The file of a run that knows person and vehicle, and its weights."""
    weights = network(PICO, 2, seed=1).state_dict()
    config = {"model": PICO, "thermal": {}, "postprocess": {}, "evaluation": {}}
    path = tmp_path / "best.pt"
    about = {"config": config, "classes": ["person", "vehicle"], "thresholds": None}
    checkpoint.save(path, {**about, "ema": weights})
    return path, weights


def test_classes_are_known_by_name_or_as_a_kind_of_one():
    found = kin(["Car", "person", "Dog", "kite", "airplane"], ["person", "vehicle", "animal", "drone"])
    assert found == {"Car": "vehicle", "person": "person", "Dog": "animal", "kite": None, "airplane": None}
    assert kin(["car"], ["car", "vehicle"]) == {"car": "car"}


def test_a_run_is_the_start_of_another_with_other_classes(run):
    path, weights = run
    model = network(PICO, 3, seed=2)
    said = start(model, str(path), settings=PICO, classes=["dog", "truck", "person"])
    assert said.startswith(f"starts from {path} (")
    assert "knows truck (as vehicle), person; new: dog" in said
    state = model.state_dict()
    assert torch.equal(state["head.predict.0.weight"][1:3], weights["head.predict.0.weight"][[1, 0]])
    assert torch.equal(state["backbone.stem.0.weight"], weights["backbone.stem.0.weight"])


def test_from_nothing_leaves_the_network_as_it_was_made():
    model, other = network(PICO, 2, seed=3), network(PICO, 2, seed=3)
    assert start(model, None, settings=PICO, classes=["a", "b"]) == "starts from nothing (init=null)"
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_another_network_is_refused(run):
    path, _ = run
    with pytest.raises(UserError, match=r"^init=.*best.pt: is of another network, \d+% of the param"):
        start(network(NANO, 2, seed=1), str(path), settings=NANO, classes=["a", "b"])


def test_shipped_weights_are_found_by_the_networks_layout(run, monkeypatch, tmp_path):
    path, _ = run
    folder = tmp_path / "weights"
    checkpoint.save_weights(folder / "pico.safetensors", checkpoint.load(path))
    monkeypatch.setattr(initial, "FOLDER", folder)
    dropped = {**PICO, "head": {**PICO["head"], "dropout": 0.1}}
    assert shipped_for(dropped) == folder / "pico.safetensors"
    assert shipped_for(NANO) is None
    said = start(network(NANO, 2, seed=1), "thermal", settings=NANO, classes=["a", "b"])
    assert said == "starts from nothing: no weights ship for this network"
    said = start(network(PICO, 1, seed=1), "thermal", settings=PICO, classes=["People"])
    assert said.startswith("starts from the weights that ship (")
    assert "knows People (as person)" in said


def test_weights_ship_for_the_two_smallest_networks():
    for name, settings in (("nano", NANO), ("pico", PICO)):
        path = shipped_for(settings)
        assert path is not None
        assert path.name == f"{name}.safetensors"
        model = network(settings, len(checkpoint.load(path)["classes"]), seed=1)
        said = start(model, "thermal", settings=settings, classes=checkpoint.load(path)["classes"])
        assert said.startswith("starts from the weights that ship (100% of the parameters fit; knows person")
