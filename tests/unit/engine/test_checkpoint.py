"""Checkpoints: whole or not at all, nothing but tensors and plain values, clear about what is wrong."""

import os
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from detector.engine import checkpoint, description
from detector.errors import UserError
from detector.version import __version__
from tests.unit.engine.builders import assert_same, model_of

STATE = {
    "config": {
        "model": {"stem": 4, "widths": [8, 16]},
        "thermal": {"name": "percentile", "low": 1.0},
        "postprocess": {"score_threshold": 0.001},
        "evaluation": {"backend": "pycocotools"},
        "resume": None,
    },
    "classes": ["person"],
    "thresholds": {"person": 0.25},
    "model": {"weight": torch.arange(6.0).reshape(2, 3)},
    "ema": {"weight": torch.full((2, 3), 0.1, dtype=torch.bfloat16)},
    "progress": {"epoch": 3, "best": 0.25},
}


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "new" / "folder" / "last.pt"
    checkpoint.save(path, STATE)
    assert_same(checkpoint.load(path), {"format": 4, "version": __version__, **STATE})
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


@pytest.mark.parametrize("failure", [OSError("no space left"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, monkeypatch, failure):
    path = tmp_path / "last.pt"
    checkpoint.save(path, STATE)
    before = path.read_bytes()

    def half(_, file):
        file.write(before[: len(before) // 2])
        raise failure

    monkeypatch.setattr(checkpoint.torch, "save", half)
    with pytest.raises(type(failure)):
        checkpoint.save(path, {**STATE, "classes": ["other"]})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_the_bytes_are_on_the_disk_before_they_take_the_old_ones_place(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (events.append("rename"), replace(self, to))[1])
    checkpoint.save(tmp_path / "last.pt", STATE)
    assert events == ["fsync", "rename", "fsync"]  # the last one of the folder


def test_what_a_killed_run_left_behind_does_not_disturb(tmp_path):
    path = tmp_path / "last.pt"
    checkpoint.save(path, STATE)
    (tmp_path / "last.pt.partial").write_bytes(b"half a checkpoint")
    assert checkpoint.load(path)["classes"] == ["person"]
    checkpoint.save(path, {**STATE, "classes": ["car"]})
    assert checkpoint.load(path)["classes"] == ["car"]


def assert_refused(path: Path, message: str) -> None:
    with pytest.raises(UserError) as caught:
        checkpoint.load(path)
    text = str(caught.value)
    assert text.startswith(f"checkpoint {path}: ")
    assert message in text
    assert "\n" not in text


def test_a_missing_file_is_named(tmp_path):
    assert_refused(tmp_path / "none.pt", "no such file")
    assert_refused(tmp_path, "no such file")


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_named(tmp_path, share):
    path = tmp_path / "last.pt"
    checkpoint.save(path, STATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert_refused(path, "is it complete?")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_named(tmp_path, seed):
    path = tmp_path / "last.pt"
    rng = random.Random(seed)
    path.write_bytes(rng.choice([b"", b"\x80\x02", b"PK\x03\x04"]) + rng.randbytes(100))
    assert_refused(path, "is it complete?")


def test_other_files_are_named(tmp_path):
    path = tmp_path / "other.pt"
    path.write_text("epochs: 20\n")
    assert_refused(path, "is it complete?")
    path.write_bytes(pickle.dumps(STATE))
    assert_refused(path, "is it complete?")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no tensors here")
    assert_refused(path, "is it complete?")
    torch.save([1, 2], path)
    assert_refused(path, "not a checkpoint of this program")
    torch.save({"state_dict": {}, "config": {}}, path)
    assert_refused(path, "not a checkpoint of this program")
    torch.save({"format": description.FORMAT, "version": "1", "config": {}}, path)
    assert_refused(path, "not a checkpoint of this program, classes, thresholds missing")
    checkpoint.save(path, {**STATE, "config": {"model": {}}})
    assert_refused(path, "its configuration has no thermal, postprocess, evaluation")
    for number, remedy in ((2, "train again, or use it with the version it is from"), (5, "install a newer")):
        checkpoint.save(path, {**STATE, "format": number, "version": "9"})
        said = f"is of format {number}, from version 9; this version {__version__} reads formats 3 and 4: "
        assert_refused(path, said + remedy)
    torch.save({"version": "0.1.0"}, path)
    assert_refused(path, "is of format 1, from version 0.1.0; this version")


def test_a_weights_file_holds_the_average_and_how_to_use_it(tmp_path):
    average = {
        "conv.weight": torch.linspace(-3, 3, 24).reshape(2, 3, 2, 2),
        "norm.running_var": torch.tensor([1e-9, 2.0]),  # half precision has nothing below 6e-8
        "norm.num_batches_tracked": torch.tensor(7),
    }
    path = tmp_path / "run" / "weights.safetensors"
    checkpoint.save_weights(path, {**STATE, "ema": average})
    state = checkpoint.load(path)
    assert set(state) == {"format", "version", "config", "classes", "thresholds", "ema"}
    assert set(state["config"]) == {"model", "thermal", "postprocess", "evaluation", "colour", "scale"}
    assert state["config"]["model"] == STATE["config"]["model"]
    assert (state["classes"], state["thresholds"]) == (["person"], {"person": 0.25})
    expected = {**average, "conv.weight": average["conv.weight"].half().float()}
    assert_same(state["ema"], expected)
    assert [file.name for file in path.parent.iterdir()] == ["weights.safetensors"]


def test_a_weights_file_takes_two_bytes_a_weight(tmp_path):
    path = tmp_path / "w.safetensors"
    checkpoint.save_weights(path, {**STATE, "ema": {"conv.weight": torch.randn(100, 10, 10, 10)}})
    assert path.stat().st_size < 2 * 100_000 + 2_000


def test_weights_and_what_is_said_of_them_are_of_one_file_where_it_is_replaced_meanwhile(
    tmp_path, monkeypatch
):
    path, later = tmp_path / "w.safetensors", tmp_path / "later.safetensors"
    checkpoint.save_weights(path, {**STATE, "ema": {"weight": torch.zeros(2)}})
    checkpoint.save_weights(later, {**STATE, "ema": {"weight": torch.ones(2)}, "classes": ["car"]})
    read = Path.read_bytes

    def replaced_after(self: Path) -> bytes:
        content = read(self)
        later.replace(path)
        return content

    monkeypatch.setattr(Path, "read_bytes", replaced_after)
    state = checkpoint.load(path)
    assert (state["ema"]["weight"].tolist(), state["classes"]) == ([0, 0], ["person"])


HOSTILE = {
    "a class of another's": {"thermal": {"_target_": "pathlib.Path", "_args_": ["/tmp/x"]}},
    "builtins, in a list": {"model": {"widths": [8, {"_target_": "builtins.eval", "_args_": ["1"]}]}},
    "hydra's helpers": {"evaluation": {"x": {"_target_": "hydra.utils.get_method", "path": "os.system"}}},
    "bound": {"postprocess": {"suppression": {"_partial_": True, "_target_": "os.system"}}},
    "an interpolation": {"thermal": {"name": "${oc.env:HOME}"}},
    "a resolver in a list": {"model": {"widths": ["${oc.decode:'[1]'}"]}},
    "a tensor": {"thermal": {"low": torch.zeros(1)}},
    "a number for a name": {"thermal": {3: 4}},
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_a_configuration_that_is_more_than_names_and_numbers_is_refused(tmp_path, config):
    path = tmp_path / "last.pt"
    checkpoint.save(path, {**STATE, "config": {**STATE["config"], **config}})
    assert_refused(path, "")


def test_a_weights_file_s_description_is_looked_at_alike(tmp_path):
    path = tmp_path / "w.safetensors"
    hostile = {"_target_": "pathlib.Path.touch"}
    checkpoint.save_weights(path, {**STATE, "config": {**STATE["config"], "thermal": hostile}})
    assert_refused(path, "thermal._target_=pathlib.Path.touch is no setting of this program; refused")
    path.write_bytes(safetensors.torch.save({"weight": torch.zeros(2)}, metadata={"other": "{}"}))
    assert_refused(path, "not a checkpoint of this program")


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_loading_runs_nothing_of_the_file_s(tmp_path):
    path, sprung = tmp_path / "last.pt", tmp_path / "sprung"
    torch.save({"format": 3, "version": "1", **STATE, "extra": Trap(sprung)}, path)
    assert_refused(path, "cannot be read")
    assert not sprung.exists()


def test_weights_of_the_same_layout_are_copied():
    model, other = model_of(), model_of()
    with torch.no_grad():
        for value in other.state_dict().values():
            value.add_(1)
    checkpoint.load_weights(model, other.state_dict(), source="a.pt")
    assert_same(dict(model.state_dict()), dict(other.state_dict()))


def test_weights_of_another_model_are_refused_and_nothing_is_copied():
    model = model_of()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {name: value + 1 for name, value in before.items()}
    first = next(iter(weights))
    short = {name: value for name, value in weights.items() if name != first}
    for broken, message in (
        (short, f"{first} is missing for this one"),
        ({**weights, "extra.weight": torch.ones(1)}, "extra.weight is unknown to this one"),
        (model_of(classes=3).state_dict(), "this model has [6, 8, 1, 1]"),
    ):
        with pytest.raises(UserError) as caught:
            checkpoint.load_weights(model, broken, source="a.pt")
        assert str(caught.value).startswith("checkpoint a.pt: belongs to another model (")
        assert message in str(caught.value)
    assert_same(dict(model.state_dict()), before)


def draws() -> list[float]:
    return [
        torch.rand(1).item(),
        torch.randn(1).item(),
        float(np.random.rand()),
        float(np.random.randn()),
        random.random(),
        random.gauss(0, 1),
    ]


def test_random_states_survive_the_file(tmp_path):
    # An odd number of normal draws leaves a second one cached in numpy and in random.
    draws()
    path = tmp_path / "last.pt"
    checkpoint.save(path, {**STATE, "random": checkpoint.random_state()})
    expected = draws() + draws()
    checkpoint.restore_random_state(checkpoint.load(path)["random"])
    assert draws() + draws() == expected


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


FOREIGN = {
    "settings that are a number": {"config": 3},
    "settings that are a list": {"config": list(STATE["config"])},
    "a group that is a word": {"config": {**STATE["config"], "model": "nano"}},
    "classes that are a number": {"classes": 4},
    "classes that are no names": {"classes": [1, 2]},
    "thresholds that are a list": {"thresholds": [0.5]},
    "weights that are a list": {"ema": [1]},
    "weights that are no tensors": {"ema": {"weight": 3}},
    "a network that would fill the memory": {"config": {**STATE["config"], "model": {"widths": [10**6] * 3}}},
    "a network without end": {"config": {**STATE["config"], "model": {"depths": [1] * 5000}}},
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_what_is_built_otherwise_is_refused_in_one_line(tmp_path, change):
    path = tmp_path / "last.pt"
    checkpoint.save(path, {**STATE, **change})
    assert_refused(path, "")


def test_settings_nested_without_end_are_refused(tmp_path):
    state = {
        **STATE,
        "format": description.FORMAT,
        "version": "1",
        "config": {**STATE["config"], "thermal": nested(5000)},
    }
    with pytest.raises(UserError, match="nested without end"):
        description.check(state, tmp_path / "last.pt")
