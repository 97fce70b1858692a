"""docs/python.md runs as it stands, one block after the other."""

from __future__ import annotations

import re
import shutil

import numpy as np

from tests.integration.commands import REPOSITORY, TINY_RUN
from tests.unit.data.builders import save_frame

PAGE = REPOSITORY / "docs" / "python.md"


def test_the_page_runs(finished, tiny_set, tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 4
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished.run, "runs/first")
    shutil.copytree(tiny_set, "set")
    rng = np.random.default_rng(1)
    save_frame(tmp_path / "frame.png", rng.integers(7000, 7400, (64, 64), dtype=np.uint16))
    np.save("night.npy", rng.integers(7000, 7400, (3, 64, 64), dtype=np.uint16))
    tiny = ", ".join(f'"{setting}"' for setting in TINY_RUN if not setting.startswith("engine.epochs"))
    names: dict[str, object] = {}
    for block in blocks:
        exec(
            compile(block.replace("detector.train([", f"detector.train([{tiny}, "), str(PAGE), "exec"), names
        )
    out = capsys.readouterr().out
    assert out.count("night.npy frame") == 3
    assert "°C at most" in out
    assert "val split" not in out.rpartition("TensorBoard")[2], "evaluate gives numbers and prints none"
