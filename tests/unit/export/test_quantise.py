"""What of a network is computed in 8 bits, on one made by hand."""

import numpy as np
import pytest

from detector.export.quantise import quantise

onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")

STRIDE = 4.0
CELLS = 100


def network(path, *, rng):
    """images [1, 1, 1, CELLS] -> boxes: a convolution, ReLU, the answering one, and the points added to it.

    The points are computed, as those of a network for any size are: the cells' numbers times the stride.
    """
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = {
        "body.weight": rng.normal(size=(8, 1, 1, 3)),
        "head.predict.0.weight": rng.normal(size=(1, 8, 1, 1)) / 100,
        "numbers": np.arange(CELLS).reshape(1, 1, 1, CELLS) + 0.5,
        "stride": np.array(STRIDE),
    }
    nodes = [
        helper.make_node("Conv", ["images", "body.weight"], ["a"], "body", pads=[0, 1, 0, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "head.predict.0.weight"], ["c"], "answer"),
        helper.make_node("Relu", ["images"], ["d"], "of_the_images_size"),
        helper.make_node("Mul", ["d", "zero"], ["e"], "nothing"),
        helper.make_node("Add", ["e", "numbers"], ["f"], "cells"),
        helper.make_node("Mul", ["f", "stride"], ["points"], "points"),
        helper.make_node("Add", ["c", "points"], ["boxes"], "boxes"),
    ]
    weights["zero"] = np.array(0.0)
    initial = [
        helper.make_tensor(name, floats, np.shape(value), np.ravel(value)) for name, value in weights.items()
    ]
    shape = [1, 1, 1, CELLS]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("images", floats, shape)],
        [helper.make_tensor_value_info("boxes", floats, shape)],
        initial,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def test_points_stay_exact_and_what_leads_to_the_answers_takes_8_bits(tmp_path):
    """In 8 bits of 400 pixels a point would be off by up to 0.8."""
    rng = np.random.default_rng(0)
    network(tmp_path / "full.onnx", rng=rng)
    images = rng.random((4, 1, 1, CELLS), dtype=np.float32)
    quantise(tmp_path / "full.onnx", tmp_path / "small.onnx", (image[None] for image in images))
    full, small = (
        onnxruntime.InferenceSession(tmp_path / name).run(["boxes"], {"images": images[:1]})[0]
        for name in ("full.onnx", "small.onnx")
    )
    np.testing.assert_allclose(small, full, atol=2e-3)
    assert np.abs(small - full).max() > 1e-6, "nothing was rounded"
    eight = [
        node for node in onnx.load(tmp_path / "small.onnx").graph.node if node.op_type == "QuantizeLinear"
    ]
    assert {node.input[0] for node in eight} == {"images", "b"}
    assert {file.name for file in tmp_path.iterdir()} == {"full.onnx", "small.onnx"}
