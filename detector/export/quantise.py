"""A network file with weights and activations of 8 bits."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = "head.predict."
"""In the names of the weights whose convolutions give scores and edges."""


class Frames:
    """Images [1, 1, H, W] one by one, as ONNX Runtime's quantisation asks for them."""

    def __init__(self, images: Iterable[np.ndarray]) -> None:
        self._images: Iterator[np.ndarray] = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"images": image}


def quantise(file: Path, result: Path, images: Iterable[np.ndarray]) -> None:
    """Write the file with whatever operation ONNX Runtime can have in 8 bits (QDQ, weights per channel).

    images: [1, 1, H, W] float32 in [0, 1], of training frames: their activations say what 8 bits must span.
    The last convolutions and all but what leads to them stay as they are: in 256 steps over the width of a
    frame the points that boxes are told from would be a pixel off and more, which no small box survives.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = file.with_suffix(".prepared.onnx")
    quant_pre_process(file, prepared, skip_symbolic_shape=True)
    try:
        logging.disable(logging.WARNING)  # of biases that have no channels
        quantize_static(
            prepared,
            result,
            Frames(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=stays_in_float(onnx.load(prepared).graph),
        )
    finally:
        logging.disable(logging.NOTSET)
        prepared.unlink()


def stays_in_float(graph: Any) -> list[str]:
    """The nodes that stay in float: all but those from which the answering convolutions are computed."""
    maker = {value: node for node in graph.node for value in node.output}
    answering = [node for node in graph.node if any(ANSWERS in value for value in node.input)]
    open_ends = [value for node in answering for value in node.input]
    leading: set[str] = set()
    while open_ends:
        node = maker.get(open_ends.pop())
        if node is not None and node.name not in leading:
            leading.add(node.name)
            open_ends += node.input
    return [node.name for node in graph.node if node.name not in leading]
