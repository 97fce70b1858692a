"""synth, train and evaluate one after the other, and all that a run leaves behind."""

import json
import shlex

import cv2
import pytest
import torch
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detector.engine import checkpoint
from detector.engine.optim import WarmupCosine
from detector.evaluation.coco import NAMES
from detector.evaluation.results_file import read_predictions
from detector.evaluation.split import evaluate
from detector.synth.scene import CLASSES
from tests.built import built
from tests.integration.commands import TINY_ENGINE, TINY_RUN, files_under, program
from tests.unit.evaluation.builders import BINS

STEPS = [1, 2, 3, 4, 5, 6]


@pytest.fixture(scope="module")
def board(finished) -> EventAccumulator:
    accumulator = EventAccumulator(
        str(finished.run / "tensorboard"), size_guidance={"images": 0, "tensors": 0}
    )
    accumulator.Reload()
    return accumulator


def steps(board: EventAccumulator, tag: str) -> list[int]:
    return [event.step for event in board.Scalars(tag)]


def test_synth_writes_a_set_that_the_reader_takes(made):
    root, outcome = made
    outcome.assert_fine()
    assert f"synthetic set: {root}" in outcome.out
    source = built("data/coco", root=root)
    assert source.splits() == ("test", "train", "val")
    assert [len(source.load(split).records) for split in ("train", "val", "test")] == [12, 4, 4]
    assert files_under(root.parent) == {"set"} | {f"set/{name}" for name in files_under(root)}


def test_a_run_s_folder_holds_what_was_promised_and_no_more(finished):
    found = files_under(finished.run)
    events = {name for name in found if name.startswith("tensorboard/")}
    assert len(events) == 1
    assert found - events == {
        "checkpoints",
        "checkpoints/best.pt",
        "checkpoints/last-1.pt",
        "checkpoints/last.pt",
        "config.yaml",
        "environment.json",
        "metrics.json",
        "predictions.json",
        "samples.png",
        "weights.safetensors",
        "tensorboard",
    }
    above = {
        name for name in files_under(finished.folder) if not name.startswith(("runs/first/", "evaluated"))
    }
    assert above == {"runs", "runs/first"}


def test_training_says_where_everything_is(finished):
    for place in ("checkpoints/best.pt", "samples.png", "tensorboard"):
        assert f"{finished.run / place}" in finished.outcome.out
    assert "12 training and 4 validation frames, 3 classes" in finished.outcome.out
    assert "2 x cpu, float32" in finished.outcome.out
    assert "epoch 2/2" in finished.outcome.out
    assert finished.outcome.out.count("epoch 2/2") == 1
    assert "Traceback" not in finished.outcome.err


def test_the_configuration_is_resolved(finished, tiny_set):
    text = (finished.run / "config.yaml").read_text()
    assert "${" not in text
    config = OmegaConf.create(text)
    assert config.data.root == str(tiny_set)
    assert config.engine.epochs == 2


def test_the_run_tells_how_to_repeat_it(finished, tiny_set):
    environment = json.loads((finished.run / "environment.json").read_text())
    program, script, *overrides = shlex.split(environment["command"])
    assert (program, script) == ("thermal-detector", "train")
    assert overrides == [
        *TINY_RUN,
        f"data.root={tiny_set}",
        "engine.processes=2",
        "engine.workers=1",
    ]
    assert environment["device"] == "2 x cpu, float32"
    assert environment["versions"]["torch"] == torch.__version__


def test_checkpoints_say_where_the_run_stood(finished):
    last = checkpoint.load(finished.run / "checkpoints" / "last.pt")
    assert last["progress"]["epoch"] == 2
    assert last["progress"]["step"] == 6
    assert last["classes"] == list(CLASSES)


def test_metrics_are_those_of_the_predictions_beside_them(finished, tiny_set):
    metrics = json.loads((finished.run / "metrics.json").read_text())
    assert set(NAMES) <= set(metrics)
    assert set(metrics["per_class"]) == set(CLASSES)
    assert metrics["images"] == 4
    truth = built("data/coco", root=tiny_set).load("test")
    predictions = read_predictions(finished.run / "predictions.json", truth)
    headline = metrics.pop("headline")
    assert evaluate(truth, predictions, bins=BINS).metrics.to_dict() == metrics
    # Chosen on val, and four frames say nothing of others.
    assert (headline["chosen_here"], headline["verdict"] == "good", headline["drawn"]) == (False, False, None)
    assert headline["overall"]["AP50"]["value"] == pytest.approx(metrics["AP50"])


def test_the_pictures_can_be_looked_at(finished):
    picture = cv2.imread(str(finished.run / "samples.png"))
    assert picture is not None
    assert picture.std() > 1


def test_tensorboard_has_every_step_s_losses_counts_and_speed(board):
    tags = set(board.Tags()["scalars"])
    assert {"loss/total", "loss/box", "loss/combined", "train/gradient_norm"} <= tags
    assert {"counts/positives", "counts/hard_negatives", "counts/hard_negative_score"} <= tags
    for tag in tags:
        if tag.startswith(("loss/", "counts/", "train/")):
            assert steps(board, tag) == STEPS, tag
    schedule = WarmupCosine(0.3334, floor=0.02)
    rates = [event.value for event in board.Scalars("train/lr")]
    assert rates == pytest.approx([0.002 * schedule(step - 1, total_steps=6) for step in STEPS])
    assert all(event.value > 0 for event in board.Scalars("time/images_per_second"))
    assert all(0 <= event.value <= 1 for event in board.Scalars("time/data_wait_share"))


def test_tensorboard_has_every_evaluation_s_metrics_curves_and_pictures(board):
    tags = board.Tags()
    truth = {
        tag.removeprefix("val_AP_by_class/") for tag in tags["scalars"] if tag.startswith("val_AP_by_class")
    }
    assert truth
    assert truth <= set(CLASSES)
    for tag in [
        "val/AP",
        "val/AP50",
        "val/AP75",
        "val/AR100",
        *(f"val_AP_by_class/{name}" for name in truth),
    ]:
        assert steps(board, tag) == [3, 6], tag
    assert {f"val_PR/{name}" for name in truth} <= set(tags["tensors"])
    assert {f"val/{number}" for number in range(4)} <= set(tags["images"])
    assert "val_figures/confusion" in tags["images"]


def test_evaluation_repeats_training_s_numbers(finished):
    run = finished.run.relative_to(finished.folder)
    overrides = [f"checkpoint={run}/checkpoints/best.pt", *TINY_ENGINE, "output=evaluated"]
    outcome = program("evaluate", *overrides, folder=finished.folder).assert_fine()
    for name in ("metrics.json", "predictions.json"):
        assert (finished.folder / "evaluated" / name).read_bytes() == (finished.run / name).read_bytes()
    table = outcome.out[outcome.out.index("class ") : outcome.out.index("metrics, predictions")]
    assert table in finished.outcome.out


def test_another_split_goes_to_a_folder_of_its_own(finished, call, tmp_path):
    copied = tmp_path / "run" / "checkpoints" / "best.pt"
    copied.parent.mkdir(parents=True)
    copied.write_bytes((finished.run / "checkpoints" / "best.pt").read_bytes())
    before = files_under(tmp_path)
    outcome = call("evaluate", f"checkpoint={copied}", "data.split=val", *TINY_ENGINE, "evaluation.fps=9")
    assert "chosen on these frames, so the figures are too optimistic" in outcome.assert_fine().out
    assert "false alarms an hour at 9 frames a second" in outcome.out
    new = {f"run/evaluation/val/{name}" for name in ("metrics.json", "predictions.json", "samples.png")}
    assert files_under(tmp_path) - before == new | {"run/evaluation", "run/evaluation/val"}
    # The last evaluation of training was of this split, but the best one need not be the last.
    best = checkpoint.load(copied)["progress"]["best"]
    assert json.loads((tmp_path / "run/evaluation/val/metrics.json").read_text())["AP"] == pytest.approx(best)
