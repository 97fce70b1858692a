"""thermal-detector benchmark on a tiny network."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

SHORT = ["sizes=[[24,32],[48,64]]", "threads=[1]", "rounds=5"]


def test_a_row_for_each_way_and_size(call, finished):
    pytest.importorskip("onnx", reason="the extra export is not installed")
    pytest.importorskip("onnxruntime", reason="the extra export is not installed")
    checkpoint = finished.run / "checkpoints" / "best.pt"
    told = [f"checkpoint={checkpoint}", "runtimes=[torch,onnxruntime]", "output=speed", *SHORT]
    outcome = call("benchmark", *told).assert_fine()
    with Path("speed/benchmark.csv").open() as file:
        rows = list(csv.DictReader(file))
    ways = [(row["runtime"], row["precision"], row["height"], row["width"]) for row in rows]
    kinds = [("torch", "fp32"), ("onnxruntime", "fp32"), ("onnxruntime", "int8")]
    assert ways == [(*kind, *size) for size in (("24", "32"), ("48", "64")) for kind in kinds]
    for row in rows:
        assert 0 < float(row["network_ms"]) <= float(row["network_p95_ms"])
        assert float(row["frames_per_second"]) == pytest.approx(1e3 / float(row["frame_ms"]), rel=1e-2)
        assert 0 < float(row["start_s"]) * 1e3 > float(row["frame_ms"])
        assert 20 < float(row["memory_mib"]) < 10_000
    memory = {row["runtime"]: float(row["memory_mib"]) for row in rows}
    assert memory["onnxruntime"] < 0.7 * memory["torch"], "what needs no torch loaded it"
    table = Path("speed/benchmark.md").read_text().strip()
    assert table in outcome.out
    assert sum(line.startswith(("| torch", "| onnxruntime")) for line in table.splitlines()) == 3
    assert "onnxruntime int8" in Path("speed/benchmark.svg").read_text()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("runtimes=[tensorrt]", "runtimes=['tensorrt']: not here; there are torch, compiled"),
        ("sizes=[[120]]", "sizes=[[120]]: must be a list of [height, width]"),
        ("threads=[0]", "threads=[0] rounds=50: must be at least 1"),
        ("checkpoint=none.pt", "none.pt: no such file"),
    ],
)
def test_mistakes(call, wrong, message):
    call("benchmark", wrong).assert_error(message)
