"""A run as an ONNX file: the same detections, in a process that has no torch."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.integration.commands import TINY_RUN

pytest.importorskip("onnxscript", reason="the extra export is not installed")

WITHOUT_TORCH = """
import sys
import json
for name in "torch torchvision scipy albumentations hydra omegaconf pycocotools matplotlib sklearn".split():
    sys.modules[name] = None
import detector

model = detector.load(sys.argv[1])
found = [model.predict(file, confidence=0.0) for file in sys.argv[2:]]
print(json.dumps([[one.boxes.tolist(), one.scores.tolist(), one.labels.tolist()] for one in found]))
"""


def test_a_file_finds_what_the_checkpoint_finds(call, tiny_set, tmp_path):
    call("train", *TINY_RUN, f"data.root={tiny_set}", "hydra.run.dir=run").assert_fine()
    made = call("export", "checkpoint=run/checkpoints/best.pt", "output=run/tiny.onnx").assert_fine()
    assert "largest difference to PyTorch over" in made.out
    assert not [*(tmp_path / "run").glob("*.partial*")]

    frames = sorted((tiny_set / "val").glob("*.png"))
    command = [sys.executable, "-c", WITHOUT_TORCH, "run/tiny.onnx", *map(str, frames)]
    found = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    )
    import detector

    model = detector.load(tmp_path / "run/checkpoints/best.pt", device="cpu", precision="fp32")
    for frame, (boxes, scores, labels) in zip(frames, found, strict=True):
        expected = model.predict(frame, confidence=0.0)
        found_here = np.column_stack([boxes, np.multiply(scores, 500), np.multiply(labels, 1000)])
        wanted = np.column_stack([expected.boxes, expected.scores * 500, expected.labels * 1000])
        assert len(wanted) == len(found_here) > 50
        # Scores that differ in the last bit change places, and the last ones fall out: the first half must be
        # there, within 0.05 pixels and 1e-4 of the score.
        for row in wanted[: len(wanted) // 2]:
            assert np.abs(found_here - row).max(axis=1).min() < 0.05

    data = [f"data.root={tiny_set}", "data=synthetic", "data.split=val"]
    judged = call("evaluate", "checkpoint=run/tiny.onnx", *data).assert_fine()
    assert "val split, 4 frames" in judged.out
    call("predict", "checkpoint=run/tiny.onnx", f"source={frames[0]}", "output=found").assert_fine()

    small = ["checkpoint=run/checkpoints/best.pt", "precision=int8", "size=[120,160]", "batch=1"]
    made = call("export", *small, "output=run/small.onnx").assert_fine()
    assert "as a file" in made.out
    call("predict", "checkpoint=run/small.onnx", f"source={frames[0]}", "output=found8").assert_fine()
