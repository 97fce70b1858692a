"""Pictures in false colours: refused with the setting that reads them, trained on with it, read without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from detector.thermal.palettes import colours_of
from tests.integration.commands import TINY_ENGINE, TINY_RUN, Call


@pytest.fixture
def sets(tiny_set, tmp_path) -> tuple[Path, Path]:
    """The tiny set in 8 bits of grey, and the same in a camera's colours."""
    grey, colours = tmp_path / "grey", tmp_path / "colours"
    for root in (grey, colours):
        shutil.copytree(tiny_set, root)
    for file in grey.rglob("*.png"):
        counts = cv2.normalize(cv2.imread(str(file), -1), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
        cv2.imwrite(str(file), counts)
        cv2.imwrite(str(colours / file.relative_to(grey)), colours_of("iron")[counts][..., ::-1])
    return grey, colours


def objects(file: str) -> list[tuple[list[float], float]]:
    frames = json.loads(Path(file).read_text())["frames"]
    return [(found["box"], found["score"]) for frame in frames for found in frame["objects"]]


def test_colours_are_trained_on_with_one_setting_and_found_in_without(call: Call, sets):
    grey, colours = sets
    own = [f"data.root={colours}", "engine.epochs=1"]
    refused = call("train", *TINY_RUN, *own, "hydra.run.dir=runs/a")
    refused.assert_error("): data.colour=palette (for predict and frames: colour=iron) makes 8-bit counts")
    out = call("train", *TINY_RUN, *own, "data.colour=palette", "hydra.run.dir=runs/a").assert_fine().out
    assert "false colours become 8-bit counts (data.colour=iron)" in out
    assert yaml.safe_load(Path("runs/a/config.yaml").read_text())["data"]["colour"] == "iron"
    fixed = ["checkpoint=runs/a/weights.safetensors", "confidence=0.001", "pictures=none", *TINY_ENGINE]
    for root in (grey, colours):
        call("predict", *fixed, f"source={root / 'test'}", f"output={root.name}_found").assert_fine()
    found = objects("grey_found/detections.json")
    assert found
    np.testing.assert_equal(objects("colours_found/detections.json"), found)
    elsewhere = ["data=coco", f"data.root={colours}", "data.split=test", "output=judged"]
    call("evaluate", "checkpoint=runs/a/weights.safetensors", *elsewhere).assert_fine()
    assert json.loads(Path("judged/metrics.json").read_text())
