"""The example of docs/deployment.md that uses no code of ours finds what ours finds."""

from __future__ import annotations

import re
import shutil

import cv2
import numpy as np
import pytest

import detector
from detector.inference.onnx_network import best_of
from tests.integration.commands import REPOSITORY

PAGE = REPOSITORY / "docs" / "deployment.md"


def test_numpy_and_onnxruntime_alone(exported, tiny_set, tmp_path, monkeypatch, capsys):
    """On a frame of 64x64 cut to odd sizes."""
    (block,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        if "onnxruntime" in block
    )
    monkeypatch.chdir(tmp_path)
    shutil.copy(exported, "best_fp32.onnx")
    frame = cv2.imread(str(sorted((tiny_set / "val").glob("*.png"))[0]), cv2.IMREAD_UNCHANGED)[:61, :47]
    np.save("frame.npy", frame)
    names: dict[str, object] = {}
    exec(compile(block, str(PAGE), "exec"), names)

    model = detector.load("best_fp32.onnx")
    found = model.predict("frame.npy", confidence=0.0)
    np.testing.assert_allclose(names["image"][:61, :47], found.image, atol=1e-6)
    postprocess = model._trained.postprocess
    (theirs,) = postprocess(best_of(names["scores"], names["boxes"], postprocess.candidates), [frame.shape])
    np.testing.assert_allclose(theirs.scores, found.scores, atol=1e-5)
    printed = capsys.readouterr().out.splitlines()
    least = np.array([model.thresholds[name] for name in model.classes])
    assert len(printed) == (names["scores"][0] >= least).sum() > 0
    best = model.predict("frame.npy")
    assert any(
        line.startswith(best.names[0]) and float(line.split()[1]) == pytest.approx(best.scores[0], abs=1e-4)
        for line in printed
    )
