"""docs/tutorial.md runs as it stands, command by command, on a real clip with the boxes of its tracks."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.integration.commands import REPOSITORY, TINY_RUN

PAGE = REPOSITORY / "docs" / "tutorial.md"
CLIP = REPOSITORY.parent / "shared" / "data" / "lepton" / "possum.cptv"
pytest.importorskip("cptv", reason="the extra cptv is not installed")


def label(folder: Path) -> None:
    """What a person would do: boxes of the possum on the previews, in COCO's form, put into the folder."""
    tracks = json.loads(CLIP.with_suffix(".txt").read_text())["tracks"]
    boxes = {
        place["frame_number"]: [place["x"], place["y"], place["width"], place["height"]]
        for track in tracks
        for place in track["positions"]
        if place["width"] and place["height"]
    }
    images, annotations = [], []
    for number, frame in enumerate(json.loads((folder / "frames.json").read_text())["frames"], start=1):
        images.append({"id": number, "file_name": frame["name"], "width": 160, "height": 120})
        if box := boxes.get(frame["index"]):
            found = {"image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0, "area": box[2] * box[3]}
            annotations.append({"id": len(annotations) + 1, **found})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "animal"}]}
    (folder / "my_labels.json").write_text(json.dumps(document))


@pytest.mark.skipif(not CLIP.is_file(), reason="the Lepton clip is not on this machine")
def test_the_page_runs(call, tmp_path):
    shutil.copy(CLIP, tmp_path / "possum.cptv")
    page = PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"^thermal-detector (.*)$", page, re.MULTILINE)
    assert [command.split()[0] for command in commands] == [
        *("predict", "frames", "train", "report", "frames", "predict")
    ]
    for number, command in enumerate(commands):
        words = shlex.split(command)
        extra = [*TINY_RUN, "model.head.depth=1"] if words[0] == "train" else []
        outcome = call(*words, *extra).assert_fine()
        if number == 1:
            assert outcome.out.startswith("round 1: 60 of 160 frames")
            assert (tmp_path / "set/prelabels/round_1").is_dir()
            label(tmp_path / "set")
        if words[0] == "train":
            assert "taken for" in outcome.out
            assert "note: " in outcome.out
    assert (tmp_path / "runs/first/report.html").is_file()
    assert (tmp_path / "predictions/possum/possum.mp4").is_file()
    assert (tmp_path / "night/detections.csv").read_text().startswith("frame,source,time,class,score")
