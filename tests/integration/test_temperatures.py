"""Frames as temperatures and faulty counts: every command says what they are, and finds the same in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.integration.commands import TINY_ENGINE, TINY_RUN, Call

TAKEN = "the numbers in the files are taken for temperatures in celsius by their values"


@pytest.fixture
def celsius(tiny_set, tmp_path) -> Path:
    """The tiny set, whose counts are hundredths of kelvin, as float32 TIFF in degrees Celsius."""
    root = tmp_path / "celsius"
    shutil.copytree(tiny_set, root)
    for file in root.rglob("*.png"):
        tifffile.imwrite(
            file.with_suffix(".tif"), (cv2.imread(str(file), -1) / 100 - 273.15).astype(np.float32)
        )
        file.unlink()
    for file in root.glob("annotations/*.json"):
        file.write_text(file.read_text().replace('.png"', '.tif"'))
    return root


def objects(file: str) -> list[tuple[list[float], float]]:
    frames = json.loads(Path(file).read_text())["frames"]
    return [(found["box"], found["score"]) for frame in frames for found in frame["objects"]]


def test_the_same_objects_are_found_in_temperatures_as_in_counts(call: Call, finished, tiny_set, celsius):
    fixed = [f"checkpoint={finished.run / 'checkpoints' / 'best.pt'}", "confidence=0.001", "pictures=none"]
    call("predict", *fixed, *TINY_ENGINE, f"source={tiny_set / 'test'}", "output=a").assert_fine()
    told = call("predict", *fixed, *TINY_ENGINE, f"source={celsius / 'test'}", "output=b").assert_fine()
    assert told.err.count(TAKEN) == 1
    assert "say unit=kelvin" in told.err
    assert objects("b/detections.json")
    assert objects("b/detections.json") == objects("a/detections.json")
    said = call("predict", *fixed, f"source={celsius / 'test'}", "output=c", "unit=fahrenheit").assert_fine()
    assert TAKEN not in said.err
    call("predict", *fixed, f"source={celsius}", "unit=x").assert_error(
        "unit=x: must be null or one of kelvin"
    )


def test_doctor_and_convert_say_what_numbers_are_taken_for(call: Call, celsius, caplog):
    own = ["data=coco", f"data.root={celsius}"]
    assert TAKEN in call("doctor", *own, "page=doctor.html").assert_fine().out
    call("convert", *own, "output=out").assert_fine()
    assert TAKEN in caplog.text
    caplog.clear()
    call("convert", *own, "data.unit=celsius", "output=other").assert_fine()
    assert TAKEN not in caplog.text


def test_faulty_counts_are_named_by_training_and_convert_too(call: Call, tiny_set, tmp_path, caplog):
    root = tmp_path / "swapped"
    shutil.copytree(tiny_set, root)
    for file in sorted(root.glob("train/*.png"))[:2]:
        cv2.imwrite(str(file), cv2.imread(str(file), -1).byteswap())
    message = "frames have the two bytes of each count in the wrong order"
    call("convert", "data=coco", f"data.root={root}", "output=out").assert_fine()
    assert message in caplog.text
    run = ["train", *TINY_RUN, f"data.root={root}", "engine.epochs=1", "hydra.run.dir=runs/a"]
    assert f"warning: 2 of 16 {message}" in call(*run).assert_fine().out
