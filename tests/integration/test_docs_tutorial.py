"""docs/tutorial.md runs as it stands, command by command, on a real clip with the boxes of its tracks."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.tutorial import CLIP as NAME
from benchmarks.tutorial import commands, label
from tests.integration.commands import REPOSITORY, TINY_RUN

CLIP = REPOSITORY.parent / "shared" / "data" / "lepton" / NAME
pytest.importorskip("cptv", reason="the extra cptv is not installed")


@pytest.mark.skipif(not CLIP.is_file(), reason="the Lepton clip is not on this machine")
def test_the_page_runs(call, tmp_path):
    shutil.copy(CLIP, tmp_path / NAME)
    page = commands()
    assert [words[0] for words in page] == ["predict", "frames", "train", "report", "frames", "predict"]
    for number, words in enumerate(page):
        extra = [*TINY_RUN, "model.head.depth=1"] if words[0] == "train" else []
        outcome = call(*words, *extra).assert_fine()
        if number == 1:
            assert outcome.out.startswith("round 1: 60 of 160 frames")
            assert (tmp_path / "set/prelabels/round_1").is_dir()
            label(tmp_path / "set", CLIP.with_suffix(".txt"))
        if words[0] == "train":
            assert "taken for" in outcome.out
            assert "note: " in outcome.out
    assert (tmp_path / "runs/first/report.html").is_file()
    assert (tmp_path / "predictions/possum/possum.mp4").is_file()
    assert (tmp_path / "night/detections.csv").read_text().startswith("frame,source,time,class,score")
