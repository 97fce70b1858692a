"""The example of docs/deployment.md that uses no code of ours finds what ours finds."""

from __future__ import annotations

import re
import shutil
from typing import Any

import cv2
import numpy as np
import pytest

import detector
from detector.inference.onnx_network import best_of
from tests.built import built
from tests.integration.commands import REPOSITORY

PAGE = REPOSITORY / "docs" / "deployment.md"


LEAST = 0.05
"""Few steps of training make no objects of 0.3, which the page takes."""


def test_numpy_and_onnxruntime_alone(exported, tiny_set, tmp_path, monkeypatch, capsys):
    """On a frame of odd sizes: the same input, the same objects after suppression, the best one printed."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "import onnxruntime" in block)
    for told, here in (('about["thresholds"] or {}', "{}"), ("(name, 0.3)", f"(name, {LEAST})")):
        assert block.count(told) == 1
        block = block.replace(told, here)
    monkeypatch.chdir(tmp_path)
    shutil.copy(exported.file, "best_fp32.onnx")
    picture = sorted((tiny_set / "val").glob("*.png"))[0]
    counts = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)[:61, :47]
    np.save("frame.npy", counts)
    names: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), names)

    found = detector.load("best_fp32.onnx").predict("frame.npy", confidence=LEAST)
    assert len(found) > 0
    np.testing.assert_allclose(names["image"][:61, :47], found.image, atol=1e-6)
    strong = names["scores"] * (names["scores"] >= LEAST)
    suppressed = built("postprocess/greedy", score_threshold=LEAST)
    (theirs,) = suppressed(best_of(strong, names["boxes"], 1000), [counts.shape])
    assert theirs.labels.tolist() == found.labels.tolist()
    np.testing.assert_allclose(theirs.scores, found.scores, atol=1e-5)
    np.testing.assert_allclose(theirs.boxes, found.boxes, atol=1e-3)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == np.count_nonzero(strong)
    best = max(printed, key=lambda line: float(line.split()[1]))
    assert best.split()[0] == found.names[0]
    assert float(best.split()[1]) == pytest.approx(found.scores[0], abs=1e-5)
