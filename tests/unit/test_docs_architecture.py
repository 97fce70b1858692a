"""The examples of docs/architecture.md do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from detector.app import parts
from detector.inference.network import candidates_of
from detector.inference.prediction import Prediction
from detector.structures import Detections, Frame
from tests.built import built
from tests.unit.data.builders import save_frame

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
BLOCK = re.compile(r"```python\n# (\S+)\.py *(?:parts\.py, ([^\n]*))?\n(.*?)```", re.DOTALL)
EXAMPLES = BLOCK.findall(PAGE.read_text())


@pytest.fixture
def example(monkeypatch):
    """example(FILE): the module that the page shows, its line in the table of parts."""

    def make(wanted: str) -> ModuleType:
        ((name, line, text),) = (found for found in EXAMPLES if found[0] == wanted)
        module = ModuleType(name.replace("/", "."))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, str(PAGE), "exec"), module.__dict__)
        if line:
            kind, part, place = re.findall(r'"([^"]+)"', line)
            monkeypatch.setitem(parts.PARTS, kind, {**parts.PARTS[kind], part: place})
        return module

    return make


def test_every_example_is_tested():
    assert [name.rpartition("/")[2] for name, _, _ in EXAMPLES] == [
        "centre",
        "queries",
        "one_box",
        "above",
        "counts",
    ]


def test_a_loss(example):
    example("detector/losses/centre")
    loss = parts.build("box", {"name": "centre", "scale": 10.0})
    found = loss(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[3.0, 4, 7, 8]]))
    assert found.tolist() == pytest.approx([0.5])


def test_a_head(example):
    example("detector/models/queries")
    head = parts.build("head", {"name": "queries", "count": 5})
    model = built("model/nano", head=head, classes=3)
    output = model(torch.rand(2, 1, 32, 48))
    assert output.logits.shape == (2, 5, 3)
    assert output.grid is None
    assert (output.boxes[..., 2:] > output.boxes[..., :2]).all()
    found = built("postprocess/greedy", score_threshold=0.0)(candidates_of(output, 1000), [(32, 48)] * 2)
    assert len(found) == 2


def test_a_reader(example, tmp_path):
    example("detector/data/readers/one_box")
    save_frame(tmp_path / "train" / "dog_3_4_10_12.png", np.zeros((20, 30), np.uint16))
    source = parts.build("source", {"name": "one_box"}, root=tmp_path)
    assert source.splits() == ("train",)
    (record,) = source.load("train").records
    assert (record.width, record.height) == (30, 20)
    assert record.boxes.tolist() == [[3, 4, 10, 12]]


def test_a_gain(example):
    example("detector/thermal/agc/above")
    gain = parts.build("thermal", {"name": "above", "counts": 500})
    counts = np.full((4, 5), 30000, np.uint16)
    counts[0, :3] = 29000, 30250, 31000
    image = gain(Frame(counts, 16, "f"))
    assert image[0].tolist() == [0.0, 0.5, 1.0, 0.0, 0.0]


def test_a_sink(example, capsys):
    module = example("detector/inference/sinks/counts")
    found = Detections(np.zeros((3, 4), np.float32), np.ones(3, np.float32), np.array([1, 0, 1]))
    frame = Frame(np.zeros((4, 5), np.uint16), 16, "f")
    with module.Counts() as sink:
        for _ in range(2):
            sink.write(Prediction(frame, np.zeros((4, 5), np.float32), found, ("cat", "dog")))
    assert capsys.readouterr().out == "4 dog, 2 cat\n"
