"""A network file with weights and activations of 8 bits."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = "head.predict."
"""In the names of the weights whose convolutions give scores and edges."""


class _Frames:
    """Images one by one, as the quantisation asks for them."""

    def __init__(self, images: Iterable[np.ndarray]) -> None:
        self._images: Iterator[np.ndarray] = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"images": image}


def quantise(file: Path, result: Path, images: Iterable[np.ndarray]) -> None:
    """Write the file with whatever operation ONNX Runtime can have in 8 bits (QDQ, weights per channel).

    images: [1, 1, H, W] float32 in [0, 1], of training frames: their activations say what 8 bits must span.
    The last convolutions and all that follows them stay as they are: 256 steps over the width of a frame are
    more than a pixel each, which no small box survives.
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
            _Frames(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_answering(onnx.load(prepared).graph),
        )
    finally:
        logging.disable(logging.NOTSET)
        prepared.unlink()


def _answering(graph: Any) -> list[str]:
    """The nodes that give the answers, and those after them; nodes come in the order of their use."""
    names: list[str] = []
    answers: set[str] = set()
    for node in graph.node:
        if any(value in answers or ANSWERS in value for value in node.input):
            names.append(node.name)
            answers.update(node.output)
    return names
