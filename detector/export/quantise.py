"""A network file with weights and activations of 8 bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np


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
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = file.with_suffix(".prepared.onnx")
    quant_pre_process(file, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        result,
        _Frames(images),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()
