"""What benchmarks/latency.py prints, and what it exports where the packages for it are installed."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from benchmarks import latency
from benchmarks.latency import Candidate


def candidate(name: str, gflop: float, parameters: int) -> Candidate:
    return Candidate(name, gflop, parameters, files={}, image=np.zeros((1, 1, 32, 32), np.float32))


def test_times_stand_as_shares_of_every_peer_s():
    candidates = [candidate("nano", 0.5, 400_000), candidate("yolo", 1.26, 2_583_000)]
    times = {("nano", "fp32"): 5.0, ("nano", "INT8"): 3.0, ("yolo", "fp32"): 10.0, ("yolo", "INT8"): 4.0}
    assert latency.table(candidates, times, peers=["yolo"]).splitlines() == [
        "| model | GFLOP | M parameters | ms fp32 | ms INT8 | fp32 / yolo | INT8 / yolo |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| nano | 0.50 | 0.40 | 5.00 | 3.00 | 0.50 | 0.75 |",
        "| yolo | 1.26 | 2.58 | 10.00 | 4.00 | 1.00 | 1.00 |",
    ]


def test_without_peers_the_table_has_no_ratios():
    times = {("nano", "fp32"): 5.0, ("nano", "INT8"): 3.0}
    first = latency.table([candidate("nano", 0.5, 400_000)], times, peers=[]).splitlines()[0]
    assert first == "| model | GFLOP | M parameters | ms fp32 | ms INT8 |"


def test_a_size_is_width_by_height():
    assert latency.size_of("320x256") == (256, 320)


def test_settled_batch_norms_give_activations_of_unit_scale_and_stay_so():
    norm = torch.nn.BatchNorm2d(1)
    images = 5 + 3 * torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    latency.settle(norm, images)
    assert not norm.training
    assert norm(images).mean().abs() < 1e-4
    assert abs(norm(images).std() - 1) < 0.01


def test_an_exported_network_runs_in_both_precisions(tmp_path, monkeypatch):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    nano = latency.ours("nano", ["model=nano"], latency.draw_frames(64, 64))
    times = latency.medians([nano], threads=1, rounds=1, clock=time.perf_counter)
    assert set(times) >= {("nano", "fp32"), ("nano", "INT8")}
