"""An exported network behind a pipeline: batches, sizes, candidates, and files that are none."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detector.engine import description
from detector.errors import UserError
from detector.inference.network import candidates_of
from detector.inference.onnx_network import OnnxFile, OnnxNetwork, best_of
from detector.inference.runtimes import MOST_SIZES, RUNTIMES, installed
from tests.built import built, settings_at
from tests.heads import head_of
from tests.unit.inference.test_postprocess import LEVELS

onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
pytest.importorskip("onnxruntime", reason="the extra export is not installed")


def about(**changes):
    config = {name: settings_at(f"{name}/{option}") for name, option in OPTIONS.items()}
    state = {"config": config, "classes": ["person", "car"], "thresholds": None}
    return {**description.describe(state), "stride": 16, **changes}


OPTIONS = {
    "model": "nano",
    "thermal": "percentile",
    "postprocess": "greedy",
    "evaluation": "default",
}


def save(path, *, batch="batch", size=("height", "width"), metadata=None):
    """A network of one point whose scores are the image's mean and its half, and whose box is the image."""
    value, make = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    images = value("images", 1, [batch, 1, *size])
    outputs = [value("scores", 1, [batch, 1, 2]), value("boxes", 1, [batch, 1, 4])]
    constant = onnx.numpy_helper.from_array
    nodes = [
        make("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        make("Unsqueeze", ["mean", "ends"], ["one"]),
        make("Mul", ["one", "shares"], ["scores"]),
        make("Mul", ["scores", "zeros"], ["nothing"]),
        make("Concat", ["nothing", "nothing"], ["four"], axis=2),
        make("Add", ["four", "box"], ["boxes"]),
    ]
    constants = [
        constant(np.array([1, 2, 3]), "axes"),
        constant(np.array([1, 2]), "ends"),
        constant(np.array([[[1.0, 0.5]]], np.float32), "shares"),
        constant(np.zeros((1, 1, 2), np.float32), "zeros"),
        constant(np.array([[[0, 0, 20, 30]]], np.float32), "box"),
    ]
    graph = onnx.helper.make_graph(nodes, "one", [images], outputs, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    words = {description.KEY: json.dumps(about())} if metadata is None else metadata
    onnx.helper.set_model_props(model, words)
    onnx.save(model, path)
    return path


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    if request.param not in installed():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def network(path, runtime):
    postprocess = built("postprocess/greedy", class_aware=False)
    return OnnxNetwork(OnnxFile(path, runtime=runtime), postprocess=postprocess)


IMAGES = np.stack([np.full((1, 16, 32), value, np.float32) for value in (0.2, 0.4, 0.8)])


def test_a_file_of_any_size_and_batch(tmp_path, runtime):
    file = OnnxFile(save(tmp_path / "a.onnx"), runtime=runtime)
    assert (file.batch, file.size, file.about["classes"]) == (None, [None, None], ["person", "car"])
    found = network(tmp_path / "a.onnx", runtime)(IMAGES, [(16, 32), (16, 20), (10, 8)])
    assert [one.scores.tolist() for one in found] == [[pytest.approx(v)] for v in (0.2, 0.4, 0.8)]
    assert [one.boxes.tolist() for one in found] == [[[0, 0, 20, 16]], [[0, 0, 20, 16]], [[0, 0, 8, 10]]]


def test_a_fixed_batch_and_size_are_filled_up(tmp_path, runtime):
    """Three images in batches of two, padded from 16 x 32 to 32 x 32: half of each is the padding's 0."""
    found = network(save(tmp_path / "a.onnx", batch=2, size=(32, 32)), runtime)(IMAGES, [(16, 32)] * 3)
    assert [one.scores.tolist() for one in found] == [[pytest.approx(v / 2)] for v in (0.2, 0.4, 0.8)]
    with pytest.raises(UserError, match=r"takes frames of 32x32 pixels at most, found one of 48x16"):
        network(tmp_path / "a.onnx", runtime)(np.zeros((1, 1, 16, 48), np.float32), [(16, 48)])


def test_many_sizes_one_after_the_other(tmp_path, runtime):
    """More than are kept, then the first again: 0.5 over the upper 8 rows of each."""
    ask = network(save(tmp_path / "a.onnx"), runtime)
    for height in (*range(16, 16 * (MOST_SIZES + 2), 16), 16):
        image = np.zeros((1, 1, height, 32), np.float32)
        image[..., :8, :] = 0.5
        (found,) = ask(image, [(height, 32)])
        assert found.scores.tolist() == [pytest.approx(0.5 * 8 / height)]


def test_candidates_are_those_of_the_torch_network():
    torch.manual_seed(1)
    count = sum(level.height * level.width for level in LEVELS)
    output = head_of(torch.randn(2, count, 3), torch.rand(2, count, 4) * 30, levels=LEVELS)
    scores, boxes = output.logits.sigmoid().numpy(), output.boxes.numpy()
    for most in (1, 50, 10_000):
        expected, found = candidates_of(output, most), best_of(scores, boxes, most)
        assert_array_equal(found.boxes, expected.boxes)
        assert_array_equal(found.labels, expected.labels)
        assert_allclose(found.scores, expected.scores, rtol=1e-6)
    for least in (0.9, 1.0):  # some and none
        few, every = best_of(scores, boxes, 10_000, least=least), best_of(scores, boxes, 10_000)
        kept = int((scores >= least).sum((1, 2)).max())
        assert_array_equal(few.scores, every.scores[:, :kept])
        assert_array_equal(few.boxes, every.boxes[:, :kept])


def test_values_that_are_not_finite_raise():
    scores = np.full((1, 9, 2), 0.5, np.float32)
    scores[0, 8, 1] = np.nan
    with pytest.raises(FloatingPointError, match="not finite"):
        best_of(scores, np.zeros((1, 9, 4), np.float32), 4)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "not a checkpoint of this program"),
        ({description.KEY: json.dumps(about(format=99))}, "is of format 99"),
        ({description.KEY: json.dumps(about(classes=[{"_target_": "os.system"}]))}, "refused"),
        ({description.KEY: "{"}, "cannot be read"),
        ({description.KEY: json.dumps(about(stride=10**9))}, "its stride is no whole number from 1 to 1024"),
        ({description.KEY: json.dumps(about(stride="16"))}, "its stride is no whole number"),
    ],
)
def test_files_of_others_are_refused(tmp_path, runtime, metadata, message):
    with pytest.raises(UserError, match=message):
        OnnxFile(save(tmp_path / "a.onnx", metadata=metadata), runtime=runtime)


def test_a_file_that_computes_something_else_is_refused(tmp_path, runtime):
    metadata = {description.KEY: json.dumps(about(classes=["person"]))}
    with pytest.raises(UserError, match=r"a\.onnx: gives scores \(1, 1, 2\) .* 1 images and 1 classes"):
        network(save(tmp_path / "a.onnx", metadata=metadata), runtime)(
            np.zeros((1, 1, 30, 20), np.float32), [(30, 20)]
        )


def test_a_network_too_large_for_any_memory_is_one_clear_line(tmp_path, runtime):
    path = save(tmp_path / "a.onnx")
    model = onnx.load(path)
    constant, make = onnx.numpy_helper.from_array, onnx.helper.make_node
    model.graph.initializer.append(constant(np.array([2**30, 2**30]), "shape"))
    (last,) = (node for node in model.graph.node if node.output == ["boxes"])
    last.output[0] = "true_boxes"
    model.graph.node.extend(
        [
            make("ConstantOfShape", ["shape"], ["giant"]),
            make("ReduceSum", ["giant"], ["sum"], keepdims=0),
            make("Add", ["true_boxes", "sum"], ["boxes"]),
        ]
    )
    onnx.save(model, path)
    with pytest.raises(UserError, match=r"a\.onnx: cannot be (computed|read) \(."):
        network(path, runtime)(np.zeros((1, 1, 30, 20), np.float32), [(30, 20)])


def test_what_is_no_network_is_refused(tmp_path, runtime):
    with pytest.raises(UserError, match="no such file"):
        OnnxFile(tmp_path / "a.onnx", runtime=runtime)
    (tmp_path / "b.onnx").write_bytes(b"no network")
    with pytest.raises(UserError, match=r"cannot be read \("):
        OnnxFile(tmp_path / "b.onnx", runtime=runtime)


def test_a_signal_is_handled_after_files_were_opened_and_let_go(tmp_path, runtime):
    path = save(tmp_path / "a.onnx")
    code = f"""
import gc, os, signal, sys
import numpy as np
from detector.inference.runtimes import RUNTIMES
opened = [RUNTIMES[{runtime!r}]({str(path)!r}, threads=1) for _ in range(2)]
for one in opened:
    one.run(np.zeros((1, 1, 32, 32), np.float32))
while opened:
    del opened[0]  # in the order in which they came
del one
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
os.kill(os.getpid(), signal.SIGUSR1)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == 7


def test_openvino_tells_nobody_that_it_is_used():
    if "openvino" not in installed():
        pytest.skip("openvino is not installed")
    loads = "from detector.inference.runtimes import openvino_core; openvino_core(); import sys; "
    check = "sys.exit(sys.modules['openvino_telemetry'] is not None)"
    assert subprocess.run([sys.executable, "-c", loads + check], check=False).returncode == 0
