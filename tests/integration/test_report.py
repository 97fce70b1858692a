"""thermal-detector report: the page of a run that the real commands made, and of runs that lost something."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from detector.app.commands.report import read_run
from detector.report.run.page import SECTIONS
from detector.report.run.record import RunRecord
from tests.built import built
from tests.integration.commands import TINY_ENGINE, Call, files_under, program


@pytest.fixture
def own(finished, tmp_path) -> Path:
    """A copy of the run that a test may break."""
    return Path(shutil.copytree(finished.run, tmp_path / "runs" / "own"))


def test_the_page_of_a_run(own, tmp_path):
    before = files_under(own)
    outcome = program("report", "run=runs/own", folder=tmp_path).assert_fine()
    assert outcome.out.splitlines() == ["page: runs/own/report.html"]
    assert files_under(own) - before == {"report.html"}
    page = (own / "report.html").read_text()
    assert page.count("<h2>") == len(SECTIONS)
    assert "Run own" in page
    assert "thermal-detector train model.stem=4" in page
    assert "loss" in page
    assert "<script" not in page


def test_the_numbers_are_those_of_metrics_json(own):
    record = read_run(own)
    assert record.evaluated is not None
    without = read_run_without(own, "predictions.json")
    assert without.evaluated is None
    assert record.numbers == without.numbers
    assert set(record.splits) == {"train", "val", "test"}
    assert record.environment["parameters"] > 1000
    assert record.history["val/AP"].steps.tolist() == [3, 6]
    assert any("predictions.json is missing" in problem for problem in without.problems)


def read_run_without(folder: Path, name: str) -> RunRecord:
    (folder / name).unlink()
    return read_run(folder)


def test_the_newest_run_is_taken(own, call: Call, tmp_path):
    older = Path(shutil.copytree(own, tmp_path / "runs" / "sweep" / "older"))
    os.utime(older / "predictions.json", (1e9, 1e9))
    unfinished = Path(shutil.copytree(own, tmp_path / "runs" / "unfinished"))
    (unfinished / "predictions.json").unlink()
    assert call("report").assert_fine().out == "page: runs/own/report.html\n"


def test_another_split_that_was_judged(own, call: Call, tmp_path):
    overrides = [f"checkpoint={own}/checkpoints/best.pt", "data.split=val", *TINY_ENGINE]
    call("evaluate", *overrides).assert_fine()
    call("report", "run=runs/own", "data.split=val", "output=val.html").assert_fine()
    assert "Judged on the val split: 4 frames" in (tmp_path / "val.html").read_text()
    outcome = call("report", "run=runs/own", "data.split=train")
    outcome.assert_error("evaluation/train: no such folder; judge the split first")


def test_data_that_moved(own, tiny_set, call: Call):
    config = OmegaConf.load(own / "config.yaml")
    config.data.root = "gone"
    OmegaConf.save(config, own / "config.yaml")
    outcome = call("report", "run=runs/own").assert_fine()
    assert "note: The test split cannot be read: data.root=gone: no such folder" in outcome.out
    page = (own / "report.html").read_text()
    assert "Give data.root=PATH if it has moved" in page
    assert "<img" not in page
    assert "AP50 0." in page
    outcome = call("report", "run=runs/own", f"data.root={tiny_set}").assert_fine()
    assert outcome.out == "page: runs/own/report.html\n"
    assert "cannot be read" not in (own / "report.html").read_text()


def test_predictions_of_other_data_are_a_note(own, call: Call):
    source = built("data/coco", root=read_run(own).setting("data.root"))
    wanted = source.load("test").records[0].image_id
    text = (own / "predictions.json").read_text()
    (own / "predictions.json").write_text(text.replace(f'"image_id": {wanted},', '"image_id": 987654,'))
    outcome = call("report", "run=runs/own").assert_fine()
    assert "note: The predictions do not fit the data: " in outcome.out
    assert "image_id 987654 is not in this split" in outcome.out


def test_a_run_stopped_in_training(own, call: Call):
    for name in ("metrics.json", "predictions.json", "environment.json"):
        (own / name).unlink()
    call("report", "run=runs/own").assert_fine()
    page = (own / "report.html").read_text()
    assert "was it stopped?" in page
    assert "AP was best after epoch" in page
    assert "not recorded by this run" in page


def test_a_run_without_its_curves(own, call: Call):
    shutil.rmtree(own / "tensorboard")
    call("report", "run=runs/own").assert_fine()
    page = (own / "report.html").read_text()
    assert "<dt>parameters</dt>" in page
    assert "no event files" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run=nowhere"],
            "nowhere/config.yaml: No such file or directory; run= must name the folder of a run",
        ),
        ([], "no finished run under runs/: train first, or give run=PATH"),
        (["run=other"], "other/config.yaml: is not the configuration of a run, data.root is missing"),
        (["run=broken"], "broken/config.yaml: cannot be read"),
        (["runn=other"], "did you mean run?"),
    ],
)
def test_errors_are_one_line(call: Call, tmp_path, arguments, message):
    for name, text in (("other", "seed: 3"), ("broken", "data: [")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(text)
    call("report", *arguments).assert_error(message)


@pytest.mark.parametrize("content", ["[1]", "{"])
def test_damaged_metrics_are_named(own, call: Call, content):
    (own / "predictions.json").unlink()
    (own / "metrics.json").write_text(content)
    call("report", "run=runs/own").assert_error("metrics.json: ")


@pytest.mark.usefixtures("own")
def test_a_page_that_cannot_be_written(call: Call, tmp_path):
    (tmp_path / "taken").mkdir()
    call("report", "run=runs/own", "output=taken").assert_error("output=taken: cannot be written")
