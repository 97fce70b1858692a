"""What a run shows: read back from TensorBoard's files and from the console."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detector.engine.steplog import StepRecord
from detector.engine.tracking import Tracker
from detector.evaluation.coco import Metrics
from tests.unit.evaluation.builders import annotations, found, measured, record


def read(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def points(accumulator: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def a_metric() -> Metrics:
    """One person found exactly; no car in truth."""
    truth = annotations(record(1, truths=[([10, 10, 50, 50], 0)]))
    return measured(truth, {1: found(([10, 10, 50, 50], 0.9, 0))})


def test_everything_lands_in_tensorboard(tmp_path, capsys):
    picture = np.full((8, 8, 3), 128, np.uint8)
    tracker = Tracker(tmp_path / "board", pictures=lambda: [picture, picture])
    tracker.open(0)
    tracker.start_epoch(0, 2, steps=2, done=0)
    tracker.stepped(images=4)
    tracker.waited(1e-6)
    tracker.losses([StepRecord(1, {"box": 0.5, "positives": 3.0, "gradient_norm": 2.0})], lr=0.25)
    tracker.stepped(images=4)
    tracker.losses([StepRecord(2, {"box": 0.25, "positives": 5.0, "gradient_norm": 1.0})], lr=0.125)
    tracker.end_epoch(2)
    tracker.evaluated(a_metric(), 1, 2)
    tracker.close()

    board = read(tmp_path / "board")
    assert points(board, "loss/box") == [(1, 0.5), (2, 0.25)]
    assert points(board, "counts/positives") == [(1, 3.0), (2, 5.0)]
    assert points(board, "train/gradient_norm") == [(1, 2.0), (2, 1.0)]
    assert points(board, "train/lr") == [(1, 0.25), (2, 0.125)]
    assert points(board, "val/AP") == [(2, pytest.approx(1.0))]
    assert points(board, "val/JI") == [(2, 1.0)]
    assert points(board, "val_AP_by_overlap/0") == [(2, pytest.approx(1.0))]
    assert points(board, "val_AP_by_size/above_24") == [(2, pytest.approx(1.0))]
    assert points(board, "val_AP_by_class/person") == [(2, pytest.approx(1.0))]
    assert points(board, "time/images_per_second")[0][1] > 0
    assert 0 < points(board, "time/data_wait_share")[0][1] < 1
    tags = board.Tags()
    assert "val_AP_by_size/below_6" not in tags["scalars"]
    assert "val_PR/person" in tags["tensors"]
    assert {"val/0", "val/1", "val_figures/confusion", "val_figures/tide"} <= set(tags["images"])
    assert not any("car" in tag for kind in ("scalars", "tensors") for tag in tags[kind])

    shown = capsys.readouterr().out
    assert "epoch 1/2  box 0.375  gradient_norm 1.500" in shown, "means of the epoch's steps"
    assert "positives" not in shown
    assert "epoch 1: val AP 1.0000  AP50 1.0000" in shown


def test_an_epoch_s_losses_are_of_its_own_steps_alone(capsys):
    tracker = Tracker(None)
    for epoch, rows in enumerate([[{"box": 9.0}], [{"box": 1.0, "gradient_norm": 4.0}, {"box": 2.0}]]):
        tracker.start_epoch(epoch, 2, steps=len(rows), done=0)
        tracker.stepped(images=1)
        tracker.losses([StepRecord(1, values) for values in rows], lr=0.1)
        tracker.end_epoch(1)
    tracker.close()
    # A step whose gradient overflowed has none.
    assert "epoch 2/2  box 1.500  gradient_norm 4.000  " in capsys.readouterr().out


def test_a_resumed_run_hides_what_the_killed_one_wrote_after_its_checkpoint(tmp_path):
    first = Tracker(tmp_path, quiet=True)
    first.open(0)
    first.losses([StepRecord(step, {"box": 1.0}) for step in (1, 2, 3)], lr=0.1)
    first.close()
    second = Tracker(tmp_path, quiet=True)
    second.open(2)
    second.losses([StepRecord(step, {"box": 9.0}) for step in (3, 4)], lr=0.1)
    second.close()
    assert points(read(tmp_path), "loss/box") == [(1, 1.0), (2, 1.0), (3, 9.0), (4, 9.0)]


def test_nothing_is_written_before_it_is_opened_or_without_a_folder(tmp_path, capsys):
    for tracker in (Tracker(tmp_path / "board", quiet=True), Tracker(None, quiet=True)):
        if tracker.folder is None:
            tracker.open(0)
        tracker.start_epoch(0, 1, steps=1, done=0)
        tracker.stepped(images=2)
        tracker.losses([StepRecord(1, {"box": 1.0})], lr=0.1)
        tracker.end_epoch(1)
        tracker.evaluated(a_metric(), 1, 1)
        tracker.say("hello")
        tracker.close()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_an_epoch_without_a_step_is_passed_over_in_silence(tmp_path, capsys):
    tracker = Tracker(tmp_path)
    tracker.open(4)
    tracker.start_epoch(1, 2, steps=2, done=2)
    tracker.end_epoch(4)
    tracker.close()
    assert read(tmp_path).Tags()["scalars"] == []
    assert capsys.readouterr().out == ""
