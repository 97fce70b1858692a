"""Runs and files side by side, and predictions of any program judged as a checkpoint's are."""

import json
import shutil
from pathlib import Path

import pytest

from detector.evaluation.coco import coco_ground_truth
from tests.built import built
from tests.integration.commands import TINY_ENGINE, Call, files_under

FEW = "resamples=100"


@pytest.fixture
def perfect(tiny_set, tmp_path) -> Path:
    """Every truth of the test split as a detection of score 1."""
    truth = coco_ground_truth(built("data/coco", root=tiny_set).load("test"))
    file = tmp_path / "perfect.json"
    kept = ("image_id", "category_id", "bbox")
    entries = [{**{key: own[key] for key in kept}, "score": 1.0} for own in truth["annotations"]]
    file.write_text(json.dumps(entries))
    return file


@pytest.fixture
def own_run(finished, tmp_path) -> Path:
    """A copy of the finished run, to be damaged."""
    return Path(shutil.copytree(finished.run, tmp_path / "second", ignore=shutil.ignore_patterns("*.pt")))


def judged(file: Path) -> dict:
    return json.loads(file.read_text())


def test_a_run_is_compared_with_the_perfect_file(call: Call, finished, perfect, tmp_path):
    outcome = call("compare", f"runs=[{finished.run},{perfect}]", FEW, "output=out")
    outcome.assert_fine()
    assert files_under(tmp_path) == {"perfect.json", "out", "out/compare.html", "out/compare.json"}
    written = judged(tmp_path / "out" / "compare.json")
    metrics = judged(finished.run / "metrics.json")
    assert (written["split"], written["first"]) == ("test", "first")
    first, other = written["detectors"]["first"], written["detectors"]["perfect.json"]
    for name in ("AP", "AP50", "AP75", "MR-2", "JI"):
        assert first[name]["value"] == pytest.approx(metrics[name])
    assert first["AP size <6"]["value"] == metrics["sizes"]["<6"]["AP"]
    assert (other["AP"]["value"], other["AP"]["difference"]["better"]) == (pytest.approx(1), 1)
    assert "perfect.json is better than first: AP +" in outcome.out
    assert "100 resamples: single frames are drawn" in outcome.out
    assert "caution: 2 recordings: too few to tell" in outcome.out
    assert "perfect.json against first" in (tmp_path / "out" / "compare.html").read_text()


def test_the_same_predictions_cannot_be_told_apart(call: Call, finished, own_run):
    outcome = call("compare", f"runs=[{finished.run},{own_run}]", FEW).assert_fine()
    assert "second and first cannot be told apart: AP +0.0000, 95 % interval +0.0000 to" in outcome.out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "runs must be given: add runs=... to the command"),
        (["runs=[RUN]"], "runs=['RUN']: must name at least two runs or files"),
        (["runs=RUN"], "runs=RUN: must name at least two runs or files"),
        (["runs=[RUN,RUN]"], "runs: names RUN twice"),
        (["runs=[RUN,SET]"], "SET: is not the folder of a run, it has no config.yaml"),
        (["runs=[FILE,other.json]"], "runs names files only, so data must be given: data=..."),
        (["runs=[RUN,other.json]"], "other.json: cannot read predictions: No such file"),
        (["runs=[RUN,FILE]", "data.split=val"], "the run was judged on test. Judge it on val first: thermal"),
        (["runs=[RUN,FILE]", "data.root=nowhere"], "data.root=nowhere: no such folder"),
        (["runs=[RUN,FILE]", "resamples=20"], "resamples=20: must be at least 100"),
        (["runs=[RUN,FILE]", "seed=-1"], "seed=-1: must be at least 0"),
        (["runs=[RUN,FILE]", "unit=days"], "unit=days: must be one of auto, images, recordings"),
        (["runs=[RUN,FILE]", "output=FILE"], "output=FILE: cannot be written: "),
    ],
)
def test_comparing_refuses(call: Call, finished, tiny_set, perfect, tmp_path, overrides, message):
    places = {"RUN": finished.run, "SET": tiny_set, "FILE": perfect}
    for name, place in places.items():
        overrides = [override.replace(name, str(place)) for override in overrides]
        message = message.replace(name, str(place))
    call("compare", *overrides).assert_error(message)
    assert files_under(tmp_path) == {"perfect.json"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": 7}, "judged on 7 frames; the split has 4"),
        ({"per_class": {"cat": {"truths": 1}}}, "judged on the classes cat; the split has person, "),
        ({"per_class": None}, "is not what evaluation writes"),
    ],
)
def test_a_run_that_was_judged_on_something_else_is_refused(call: Call, finished, own_run, change, message):
    file = own_run / "metrics.json"
    file.write_text(json.dumps({**judged(file), **change}))
    outcome = call("compare", f"runs=[{finished.run},{own_run}]", FEW)
    outcome.assert_error(f"{file}: {message}")


def test_a_run_that_was_judged_on_other_objects_is_refused(call: Call, finished, own_run):
    file = own_run / "metrics.json"
    metrics = judged(file)
    metrics["per_class"]["person"]["truths"] = 99
    file.write_text(json.dumps(metrics))
    outcome = call("compare", f"runs=[{finished.run},{own_run}]", FEW)
    outcome.assert_error(f"{file}: judged on other objects, 99 person")


def test_another_split_is_read_from_where_evaluate_writes_it(call: Call, own_run):
    """The second run has predictions of val, its own of test; a file of the same stands beside them."""
    folder = own_run / "evaluation" / "val"
    folder.mkdir(parents=True)
    (folder / "predictions.json").write_text("[]")
    (folder / "other.json").write_text("[]")
    outcome = call("compare", f"runs=[{own_run},{folder / 'other.json'}]", "data.split=val", FEW)
    outcome.assert_fine()
    assert f"{folder / 'predictions.json'}, 0 detections in 0 frames" in outcome.out


def test_predictions_are_judged_as_the_checkpoint_that_made_them(call: Call, finished, tiny_set, tmp_path):
    file = tmp_path / "peer.json"
    shutil.copy(finished.run / "predictions.json", file)
    data = ("data=coco", f"data.root={tiny_set}", "data.split=test")
    outcome = call("evaluate", *TINY_ENGINE, f"predictions={file}", *data).assert_fine()
    peer, own = (judged(folder / "metrics.json") for folder in (tmp_path / "peer_test", finished.run))
    # Nobody knows how a peer's thresholds were chosen: they are chosen on the frames, and marked.
    assert (peer.pop("headline")["chosen_here"], own.pop("headline")["chosen_here"]) == (True, False)
    assert peer == own
    names = {"metrics.json", "predictions.json", "samples.png"}
    assert files_under(tmp_path) == {"peer.json", "peer_test", *(f"peer_test/{name}" for name in names)}
    assert f"metrics, predictions and pictures: {tmp_path / 'peer_test'}" in outcome.out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["checkpoint=a.pt", "predictions=FILE"], "checkpoint and predictions are both given"),
        (["predictions=FILE"], "predictions need the data they are of: add data=..."),
        (["predictions=FILE", "postprocess=soft", "data=coco", "data.root=SET"], "postprocess does nothing"),
        (["predictions=no.json", "data=coco", "data.root=SET"], "no.json: cannot read predictions"),
        (
            ["predictions=FILE", "data=coco", "data.root=SET", "data.source.classes=[person]"],
            "FILE: entry 0: category_id ",
        ),
    ],
)
def test_judging_predictions_refuses(call: Call, tiny_set, tmp_path, overrides, message):
    file = tmp_path / "peer.json"
    file.write_text(json.dumps([{"image_id": 1, "category_id": 99, "bbox": [0, 0, 1, 1], "score": 1.0}]))
    given = [value.replace("FILE", str(file)).replace("SET", str(tiny_set)) for value in overrides]
    outcome = call("evaluate", *TINY_ENGINE, *given)
    outcome.assert_error(message.replace("FILE", str(file)))
    assert files_under(tmp_path) == {"peer.json"}
