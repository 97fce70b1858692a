"""The folder of one training."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from detector.errors import UserError
from detector.tuning.training import Training


def finish(training: Training, **metrics: object) -> None:
    training.claim()
    (training.folder / "metrics.json").write_text(json.dumps(metrics))


def save_checkpoint(training: Training) -> None:
    (training.folder / "checkpoints").mkdir(parents=True)
    (training.folder / "checkpoints" / "last.pt").touch()


def test_it_is_finished_with_its_metrics_and_goes_on_from_its_checkpoint(tmp_path: Path):
    training = Training(tmp_path / "a", ())
    training.claim()
    assert (training.finished, training.checkpoint) == (False, None)
    save_checkpoint(training)
    assert (training.finished, training.checkpoint) == (False, tmp_path / "a" / "checkpoints" / "last.pt")
    finish(training)
    assert training.finished


def test_it_is_finished_with_all_of_its_tests_whose_metrics_are_their_own(tmp_path: Path):
    training = Training(tmp_path, (), {"near": ("a=1",), "far": ()})
    finish(training, AP=0.5)
    assert (training.trained, training.finished, training.untested) == (True, False, ["near", "far"])
    for name, value in (("near", 0.25), ("far", 0.75)):
        training.test_folder(name).mkdir(parents=True)
        (training.test_folder(name) / "metrics.json").write_text(json.dumps({"AP": value}))
        training.note_test(name)
    assert (training.finished, training.untested) == (True, [])
    other = Training(tmp_path, (), {"near": ("a=2",), "far": ()})
    assert other.untested == ["near"], "of other overrides"
    assert [training.metric("AP", test=name) for name in ("near", "far", "")] == [0.25, 0.75, 0.5]


@pytest.mark.parametrize("what", [save_checkpoint, finish])
def test_a_folder_is_not_taken_for_another_training(tmp_path: Path, what):
    training, other = (Training(tmp_path / "a", (text,)) for text in ("x=1", "x=2"))
    other.claim()
    training.claim()  # Nothing came of the other one.
    what(training)
    training.claim()
    with pytest.raises(UserError, match="holds a run of other overrides"):
        other.claim()
    assert json.loads((tmp_path / "a" / "overrides.json").read_text()) == ["x=1"]


def test_metrics_are_found_by_their_path(tmp_path: Path):
    training = Training(tmp_path, ())
    finish(training, AP=None, overlap={">0.3": {"AP50": 0.25}})
    assert training.metric("overlap/>0.3/AP50") == 0.25
    assert math.isnan(training.metric("AP")), "no truth to measure it on"


@pytest.mark.parametrize("name", ["AP75", "overlap/0/AP50", "AP50/deeper"])
def test_a_metric_that_is_not_there(tmp_path: Path, name):
    training = Training(tmp_path, ())
    finish(training, AP50=0.5, overlap={})
    with pytest.raises(UserError, match=f"has no metric '{name}'"):
        training.metric(name)
