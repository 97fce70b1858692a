"""thermal-detector doctor: what it says, what it writes, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.commands import Call, files_under, program


@pytest.fixture
def own_set(tiny_set, tmp_path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(tiny_set, tmp_path / "own"))


def test_a_set_that_is_fit(tiny_set, tmp_path):
    outcome = program("doctor", f"data.root={tiny_set}", folder=tmp_path).assert_fine()
    lines = outcome.out.splitlines()
    assert lines[0].startswith("train: 12 frames, ")
    assert lines[-2].startswith("fit to train on: 0 errors, ")
    assert lines[-1] == "page: runs/doctor.html"
    assert files_under(tmp_path) == {"runs", "runs/doctor.html"}
    assert "<script" not in (tmp_path / "runs/doctor.html").read_text()


def test_a_set_that_is_not(own_set, call: Call, tmp_path):
    """A frame of train once more in val, and one that is cut short."""
    frames = sorted((own_set / "train").glob("*.png"))
    shutil.copy(frames[0], sorted((own_set / "val").glob("*.png"))[0])
    frames[1].write_bytes(frames[1].read_bytes()[:100])
    outcome = call("doctor", f"data.root={own_set}", "page=page.html")
    assert outcome.status == 1
    assert outcome.err == ""
    severities = {(line.split()[0], line.split()[1]) for line in outcome.out.splitlines()}
    assert {("error", "leak:"), ("error", "files:")} <= severities
    assert "not fit to train on: 2 errors" in outcome.out
    assert f"train/{frames[1].name}" in (tmp_path / "page.html").read_text()


def test_a_box_without_area_is_told_as_stored_and_as_the_reader_drops_it(own_set, call: Call):
    file = own_set / "annotations" / "val.json"
    document = json.loads(file.read_text())
    document["annotations"][0]["bbox"][2] = 0
    file.write_text(json.dumps(document))
    outcome = call("doctor", f"data.root={own_set}", "splits=[val]")
    assert outcome.status == 1, "one of so few boxes is more than a tenth"
    assert f"zero-size boxes: 1 of {len(document['annotations'])} boxes have no area" in outcome.out
    assert "warning  annotations:" in outcome.out
    assert "1 boxes without area" in outcome.out
    assert outcome.out.startswith("val: 4 frames, ")
    assert "12 frames" not in outcome.out
    assert outcome.err == ""


def test_two_sets_side_by_side(tiny_set, call: Call, tmp_path):
    arguments = ["compare=coco", f"compare_root={tiny_set}", "compare_frames=3"]
    outcome = call("doctor", f"data.root={tiny_set}", *arguments).assert_fine()
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["set", "(other)", "set"] in lines
    assert ["frames", "3", "3"] in lines
    assert "spectrum slope" in (tmp_path / "runs/doctor.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.root=nowhere"], "data.root=nowhere: no such folder"),
        (["data=checkpoint"], "data=checkpoint: names no data set of its own"),
        (["splits=[holdout]"], "data split 'holdout'"),
        (["compare=lepton"], "compare=lepton: must be one of auto, "),
        (["compare=coco"], "compare_root must be given"),
        (["compare_frames=0"], "compare_frames=0: must be at least 1"),
        (["limits.leak_error=-1"], "limits.leak_error=-1.0: must not be negative"),
        (["limits.leak_eror=0.1"], "did you mean limits.leak_error?"),
        (["page={root}"], "cannot be written"),
    ],
)
def test_errors_are_one_line(tiny_set, call: Call, arguments, message):
    given = [argument.format(root=tiny_set) for argument in arguments]
    call("doctor", f"data.root={tiny_set}", *given).assert_error(message)
