"""A run as an ONNX file: proved before it is there, judged and used as the checkpoint is.

test_runtime.py has that it finds the same where there is no torch.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from detector.thermal import io
from tests.integration.commands import TINY_ENGINE


def ap(folder: str) -> float:
    return json.loads((Path(folder) / "metrics.json").read_text())["AP"]


def test_a_file_is_judged_as_its_checkpoint(exported, tiny_set, call):
    data = ["data=synthetic", f"data.root={tiny_set}", "data.split=train"]
    for name, file in (("file", exported.file), ("checkpoint", exported.checkpoint)):
        call("evaluate", f"checkpoint={file}", *data, *TINY_ENGINE, f"output={name}").assert_fine()
    assert ap("file") == pytest.approx(ap("checkpoint"), abs=1e-3)
    assert ap("file") > 0.01


def test_eight_bits_of_one_size_say_what_they_cost(exported, tiny_set, call, tmp_path):
    small = [f"checkpoint={exported.checkpoint}", "precision=int8", "size=[120,160]", "batch=1"]
    out = call("export", *small, "output=small.onnx").assert_fine().out
    assert re.search(r"test split, 4 frames: AP 0\.\d+ in PyTorch, 0\.\d+ as a file", out)
    frames = f"source={tiny_set / 'val'}"
    call("predict", "checkpoint=small.onnx", frames, "output=found", "pictures=none").assert_fine()
    assert len(json.loads((tmp_path / "found/detections.json").read_text())["frames"]) == 4
    assert not [*tmp_path.glob("*.partial*")]


def test_a_file_that_says_something_else_is_not_written(exported, call, tmp_path, monkeypatch):
    monkeypatch.setattr("detector.export.parity.SCORES", -1.0)
    outcome = call("export", f"checkpoint={exported.checkpoint}", "output=other.onnx")
    assert outcome.status == 1
    assert "other.onnx: not written: it should differ from PyTorch by at most" in outcome.err
    assert not [*tmp_path.glob("*.onnx")]


def test_what_cannot_be_is_refused(exported, call):
    given = f"checkpoint={exported.checkpoint}"
    call("export", given, "precision=int4").assert_error("precision=int4: must be fp32 or int8")
    call("export", given, "size=[120]").assert_error("size=[120]: must be null, for any, or [height, width]")


def test_the_files_of_ncnn_say_what_pytorch_says(exported, call, tmp_path):
    pytest.importorskip("ncnn", reason="the extra ncnn is not installed")
    pytest.importorskip("pnnx", reason="the extra ncnn is not installed")
    small = [f"checkpoint={exported.checkpoint}", "form=ncnn", "size=[64,70]", "output=small"]
    out = call("export", *small).assert_fine().out
    assert re.search(
        r"largest difference to PyTorch over 4 frames, computed by ncnn: scores \S+e-0[5-9], boxes", out
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "small.ncnn.bin",
        "small.ncnn.json",
        "small.ncnn.param",
    ]
    about = json.loads((tmp_path / "small.ncnn.json").read_text())
    assert json.loads(about["classes"]) == ["person", "vehicle", "animal"]
    call("export", *small[:2], "size=[60,70]").assert_error(
        "size=[60, 70]: smaller than a frame, which has [64, 64] pixels"
    )
    call("export", *small[:2]).assert_error("form=ncnn precision=fp32 size=None batch=None: takes one frame")


def test_a_whole_detector_finds_what_predict_finds(exported, call, tiny_set, tmp_path):
    """From the counts of the camera to objects, with nothing but the runtime around it."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    given = f"checkpoint={exported.checkpoint}"
    out = (
        call("export", given, "form=whole", "size=[64,64]", "confidence=0.05", "output=whole.onnx")
        .assert_fine()
        .out
    )
    assert re.search(r"over [1-9]\d* objects in 4 frames: scores \S+e-0[5-9], boxes", out)
    frames = f"source={tiny_set / 'val'}"
    told = ["confidence=0.05", "output=found", "pictures=none", *TINY_ENGINE]
    call("predict", given, frames, *told).assert_fine()
    expected = json.loads((tmp_path / "found/detections.json").read_text())["frames"]
    session = onnxruntime.InferenceSession(tmp_path / "whole.onnx")
    names = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    for frame, file in zip(expected, sorted((tiny_set / "val").iterdir()), strict=True):
        boxes, scores, labels = session.run(None, {"counts": io.read(file).counts.astype(np.int32)})
        assert [names[label] for label in labels] == [found["class"] for found in frame["objects"]]
        assert scores == pytest.approx([found["score"] for found in frame["objects"]], abs=2e-4)
        assert np.abs(boxes - np.reshape([found["box"] for found in frame["objects"]], (-1, 4))).max() < 0.06
    wrong = call("export", given, "form=whole", "size=[60,64]")
    wrong.assert_error("size=[60, 64]: smaller than a frame, which has [64, 64] pixels")
