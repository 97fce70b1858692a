"""Frames of large objects: shown an eighth of them, a network is that of the small frames, to the bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from detector.engine import checkpoint
from tests.integration.commands import TINY_ENGINE, TINY_RUN, Call
from tests.unit.engine.builders import assert_same

TIMES = 8


@pytest.fixture
def large(tiny_set, tmp_path) -> Path:
    """The tiny set with eight pixels for each along both sides: their means are the counts they came from."""
    root = tmp_path / "large"
    shutil.copytree(tiny_set, root)
    for file in root.rglob("*.png"):
        counts = cv2.imread(str(file), -1)
        cv2.imwrite(str(file), counts.repeat(TIMES, axis=0).repeat(TIMES, axis=1))
    for file in (root / "annotations").glob("*.json"):
        document = json.loads(file.read_text())
        for image in document["images"]:
            image |= {"width": image["width"] * TIMES, "height": image["height"] * TIMES}
        for annotation in document["annotations"]:
            annotation["bbox"] = [value * TIMES for value in annotation["bbox"]]
            annotation["area"] *= TIMES**2
        file.write_text(json.dumps(document))
    return root


def boxes(file: str) -> np.ndarray:
    frames = json.loads(Path(file).read_text())["frames"]
    return np.array([[*found["box"], found["score"]] for frame in frames for found in frame["objects"]])


def test_a_share_of_large_frames_trains_and_finds_as_the_small_frames_do(call: Call, tiny_set, large):
    for name, root, scale in (("small", tiny_set, 1), ("large", large, 1 / TIMES)):
        own = [f"data.root={root}", "data=coco", f"data.scale={scale}", f"hydra.run.dir=runs/{name}"]
        call("train", *TINY_RUN, *own, "init=null").assert_fine()
        fixed = [f"checkpoint=runs/{name}/weights.safetensors", "confidence=0.001", "pictures=none"]
        told = [f"source={root / 'test'}", f"output={name}_found"]
        call("predict", *fixed, *TINY_ENGINE, *told).assert_fine()
    small, shrunk = (checkpoint.load(f"runs/{name}/checkpoints/last.pt") for name in ("small", "large"))
    assert_same(dict(small["ema"]), dict(shrunk["ema"]))
    found = boxes("small_found/detections.json")
    assert len(found)
    np.testing.assert_allclose(boxes("large_found/detections.json"), found * [8, 8, 8, 8, 1], atol=0.05)


def test_the_share_follows_the_objects_and_stays_with_the_detector(call: Call, large):
    own = [f"data.root={large}", "data=coco", "data.scale=auto", "engine.epochs=1", "hydra.run.dir=runs/a"]
    out = call("train", *TINY_RUN, *own, "augment.size=[512,512]", "init=null").assert_fine().out
    assert "note: frames are shown at 0.5 of their width and height" in out
    config = yaml.safe_load(Path("runs/a/config.yaml").read_text())
    assert (config["data"]["scale"], config["augment"]["size"]) == (0.5, [256, 256])
    assert checkpoint.load("runs/a/weights.safetensors")["config"]["scale"] == 0.5
    given = ["checkpoint=runs/a/weights.safetensors", f"source={large / 'test'}"]
    call("predict", *given, "pictures=none", "scale=9").assert_error("scale=9: must be a number above 0")
    call("predict", *given, "pictures=images", *TINY_ENGINE, "output=seen").assert_fine()
    pictures = list(Path("seen").rglob("*.png")) + list(Path("seen").rglob("*.jpg"))
    assert {cv2.imread(str(picture)).shape[:2] for picture in pictures} == {(512, 512)}, (
        "all pixels are shown"
    )
