"""benchmarks/gpu.py at toy size: every part ends, and what it found is on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import gpu
from detector.errors import UserError
from detector.structures import Detections
from tests.integration.commands import REPOSITORY


@pytest.fixture(scope="module")
def folder(tiny_set, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("gpu") / "out"
    data = ["--data", "synthetic", "--root", str(tiny_set), "--output", str(output)]
    script = str(REPOSITORY / "benchmarks" / "gpu.py")
    subprocess.run(
        [sys.executable, script, *data, "--device", "cpu"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=600,
    )
    return output


@pytest.fixture(scope="module")
def parts(folder) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())["parts"]


def test_every_part_is_done_or_says_why_not(parts):
    states = {name: (part["state"], part["why"]) for name, part in parts.items()}
    without_gpu = ("not here", "needs a CUDA device")
    assert states == {
        "1 environment": ("done", None),
        "2 CUDA tests": ("done", None),
        "3 difference to the CPU": ("done", None),
        "4 step": ("done", None),
        "4 step, waiting for the GPU": without_gpu,
        "4 step, operations": ("done", None),
        "4 step, compiled": ("done", None),
        "5 images per second": ("done", None),
        "6 recipe": ("done", None),
    }


def test_a_device_does_not_differ_from_itself(parts):
    found = parts["3 difference to the CPU"]["found"]
    for weights in ("first weights", "after an epoch"):
        same = found[f"{weights}, fp32 against the CPU's fp32"]
        largest = {name: value for name, value in same.items() if "largest" in name or "relative" in name}
        assert len(largest) == 6
        assert not any(largest.values())
        assert found[f"{weights}, bf16 against fp32"]["logits, largest"] > 0


def test_figures_are_there(parts, folder):
    assert parts["2 CUDA tests"]["found"]["failed"] == 0
    assert parts["2 CUDA tests"]["found"]["skipped"] + parts["2 CUDA tests"]["found"]["passed"] > 0
    eager, compiled = (parts[part]["found"]["steps"][0] for part in ("4 step", "4 step, compiled"))
    assert eager["ms"] > 0
    assert eager["batch"] == compiled["batch"] == 2
    assert all(row["images/s"] > 0 for row in parts["5 images per second"]["found"]["rates"])
    recipe = parts["6 recipe"]["found"]
    assert recipe["epochs"] == "1 of 1"
    assert set(recipe["val"]) == {"AP", "AP50", "AP75"}
    page = (folder / "results.md").read_text()
    assert all(f"## {name}" in page for name in parts)


def test_detections_are_compared_with_those_they_overlap_most():
    expected = detections([[0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 9, 9]], [0.9, 0.5, 0.01])
    found = detections([[20, 20, 30, 29], [50, 50, 60, 60]], [0.4, 0.3])
    row = gpu._detections_compared([found, found], [expected, detections([], [])])
    counts = [row[f"detections of score {gpu.COUNTS}"], row["of them not found"]]
    assert counts == [2, 1]
    assert row["score, largest"] == pytest.approx(0.1)
    assert row["side of a box, largest, pixels"] == 1
    nothing = gpu._detections_compared([detections([], [])], [expected])
    assert nothing["of them not found"] == 2


def detections(boxes: list[list[float]], scores: list[float]) -> Detections:
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        labels=np.zeros(len(scores), np.int64),
    )


def dies(_: gpu.Bench) -> None:
    os._exit(3)


def hangs(bench: gpu.Bench) -> None:
    bench.say("before", 1)
    time.sleep(600)


def fails(bench: gpu.Bench) -> None:
    bench.say("rows", [{"a": 1}, {"b": "x|y"}])
    raise UserError("no such folder")


def test_what_fails_hangs_or_dies_is_written_down_with_what_it_found(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "PARTS", {work.__name__: (work, 1.0) for work in (dies, hangs, fails)})
    arguments = ["--root", str(tmp_path), "--output", str(tmp_path / "out"), "--device", "cpu"]
    monkeypatch.setattr("sys.argv", ["gpu.py", *arguments])
    before = signal.getsignal(signal.SIGTERM)
    try:
        gpu.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    parts = json.loads((tmp_path / "out" / "results.json").read_text())["parts"]
    assert (parts["dies"]["state"], parts["dies"]["why"]) == ("failed", "the process ended with 3")
    assert (parts["hangs"]["state"], parts["hangs"]["found"]) == ("out of time", {"before": 1})
    assert parts["fails"]["state"] == "failed"
    assert parts["fails"]["why"].startswith("UserError: no such folder; ")
    page = (tmp_path / "out" / "results.md").read_text()
    assert "| a | b |\n| --- | --- |\n| 1 |  |\n|  | x/y |" in page
