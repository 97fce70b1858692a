"""A step of NaN or infinite loss or gradients, looked at once more: which frame, tensor or term began it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from detector.assign.protocol import Assigner
from detector.criterion.protocol import Criterion
from detector.engine.device import Precision
from detector.tensors import Batch, HeadOutput, Targets, to_device

_SHOWN = 5


def examine(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    assigner: Assigner,
    criterion: Criterion,
    precision: Precision,
    progress: float,
) -> list[str]:
    """What is not finite in a step over these batches, a line each, in the order in which it arises.

    model: in training; it is left as it is. progress: as the criterion takes it. Empty: all is finite.
    """
    lines = [
        f"weights: {name} has {_bad(value)}" for name, value in model.state_dict().items() if _bad(value)
    ]
    for batch in batches:
        lines += [*_of_frames(batch), *_of_step(model, batch, assigner, criterion, precision, progress)]
    return lines


def _of_frames(batch: Batch) -> Iterator[str]:
    """Of what the loader gives."""
    for row, key in enumerate(batch.image_ids.tolist()):
        for name, value in (("pixels", batch.images[row]), ("boxes", batch.targets.boxes[row])):
            if _bad(value):
                yield f"image {key}: its {name} have {_bad(value)}"


def _of_step(
    model: nn.Module,
    batch: Batch,
    assigner: Assigner,
    criterion: Criterion,
    precision: Precision,
    progress: float,
) -> list[str]:
    def total_of(network: nn.Module, images: Tensor, targets: Targets) -> tuple[HeadOutput, Any]:
        with precision.autocast():
            output = network(images)
        return output, criterion(output, assigner(output, targets), targets, progress=progress)

    images = batch.images.to(precision.device, memory_format=torch.channels_last)
    targets = to_device(batch.targets, precision.device)
    network = copy.deepcopy(model)
    first = _first_bad_layers(network)
    output, terms = total_of(network, images, targets)
    lines = [f"layer {name}: its output has {bad}" for name, bad in first[:1]]
    for row, key in enumerate(batch.image_ids.tolist()):
        values = (("logits", output.logits[row]), ("boxes", output.boxes[row]))
        lines += [
            f"image {key}: predicted {name} have {_bad(value)}" for name, value in values if _bad(value)
        ]
    parts = {**terms.parts, "the loss": terms.total.detach()}
    lines += [f"term {name} is {float(value):g}" for name, value in parts.items() if _bad(value)]
    terms.total.backward()
    gradients = {
        name: _bad(weight.grad) for name, weight in network.named_parameters() if weight.grad is not None
    }
    bad = [name for name, told in gradients.items() if told]
    if bad:
        named = ", ".join(bad[:_SHOWN])
        lines.append(f"gradients of {len(bad)} of {len(gradients)} weights are not finite: {named}")
    if lines:
        losses = [
            total_of(copy.deepcopy(model), images[row : row + 1], _row(targets, row))[1].total.detach()
            for row in range(len(images))
        ]
        lines += _of_single_frames(batch.image_ids.tolist(), losses)
        name, weight = max(model.named_parameters(), key=lambda named: float(named[1].detach().abs().max()))
        lines.append(f"the largest weight is {float(weight.detach().abs().max()):.3g}, in {name}")
    return lines


def _of_single_frames(images: Sequence[int], losses: Sequence[Tensor]) -> list[str]:
    """Whether some frames are to blame: the loss of each alone."""
    bad = [(key, loss) for key, loss in zip(images, losses, strict=True) if _bad(loss)]
    if len(bad) == len(images) > 1:
        return ["each image alone gives such a loss too: it is none of them in particular"]
    return [f"image {key} alone gives a loss of {float(loss):g}" for key, loss in bad]


def _first_bad_layers(network: nn.Module) -> list[tuple[str, str]]:
    """Fills itself as the network runs: layers without layers of their own whose output is not finite."""
    found: list[tuple[str, str]] = []

    def watch(name: str) -> Any:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and _bad(output):
                found.append((name, _bad(output)))

        return look

    for name, module in network.named_modules():
        if not list(module.children()):
            module.register_forward_hook(watch(name))
    return found


def _bad(value: Tensor) -> str:
    """How many numbers of a tensor are NaN or infinite, in words; "" where none is."""
    if not value.is_floating_point():
        return ""
    nan, infinite = int(value.isnan().sum()), int(value.isinf().sum())
    told = [f"{count} {name}" for count, name in ((nan, "NaN"), (infinite, "infinite")) if count]
    return f"{' and '.join(told)} of {value.numel()}" if told else ""


def _row(targets: Targets, row: int) -> Targets:
    one = slice(row, row + 1)
    return Targets(targets.boxes[one], targets.labels[one], targets.valid[one], targets.ignored[one])
