"""A network as an ONNX file, which any runtime reads: thermal-detector's own needs no torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from detector.engine.description import KEY, describe, scale_of

OPSET = 18
"""The oldest that torch's exporter writes by itself, and so the most runtimes read."""
MOST_SIDES = 256
"""Of a frame of free size, in coarsest strides: 4096 pixels at stride 16."""
MOST_IMAGES = 1024
"""Of a batch of free size."""


class Deployed(nn.Module):
    """images [B, 1, H, W] -> scores [B, P, C] in [0, 1] and boxes [B, P, 4], xyxy in pixels of the input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(images)
        return output.logits.sigmoid(), output.boxes


def write(model: nn.Module, file: Path, *, size: tuple[int, int] | None, batch: int | None) -> None:
    """Write the network with its decoding; suppression and gain stay outside.

    model: in eval mode on the CPU, with a `stride`. size: (height, width), multiples of the stride; None for
    any. batch: images at a time; None for any.
    """
    stride = int(model.stride)  # type: ignore[arg-type]  # of our own networks
    height, width = size or (8 * stride, 10 * stride)
    free: dict[int, Any] = {}
    if batch is None:
        free[0] = Dim("batch", min=1, max=MOST_IMAGES)
    if size is None:
        free |= {2: stride * Dim("rows", max=MOST_SIDES), 3: stride * Dim("columns", max=MOST_SIDES)}
    example = torch.rand(batch or 2, 1, height, width)
    export_network(
        Deployed(model), (example,), file, inputs=("images",), outputs=("scores", "boxes"), free=free
    )


def export_network(
    model: nn.Module,
    example: tuple[Tensor, ...],
    file: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Mapping[int, Any] | None = None,
) -> None:
    """By torch's exporter. free: what the dimensions of the one input may be that are not the example's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own affairs
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            model.eval(),
            example,
            file,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            external_data=False,
            verbose=False,
            dynamic_shapes={inputs[0]: free} if free else None,
        )


def description_of(state: Mapping[str, Any], *, stride: int, licence: str | None) -> dict[str, str]:
    """What using the network needs: for our own readers, and in words for others'."""
    gain = json.dumps(state["config"]["thermal"])
    words = {
        KEY: json.dumps({**describe(state), "stride": stride}),
        "input": f"images [B, 1, H, W] float32 in [0, 1], H and W multiples of {stride}, padded with 0 right "
        f"and below; frames at {scale_of(state['config']):.3g} of their width and height, counts by {gain}",
        "output": "scores [B, P, classes] in [0, 1]; boxes [B, P, 4], left, top, right, bottom in pixels; "
        "doubles are still there",
        "classes": json.dumps(list(state["classes"])),
        "thresholds": json.dumps(state["thresholds"]),
    }
    if licence is not None:
        words["licence"] = licence
    return words


def describe_in(file: Path, words: Mapping[str, str]) -> None:
    """Put them into the file's metadata."""
    import onnx

    document = onnx.load(file)
    onnx.helper.set_model_props(document, dict(words))
    onnx.save(document, file)
