"""NaN and infinite numbers: what may be saved, and what becomes of a step that has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from detector.errors import NonFiniteError
from detector.files import write_text

LARGEST = 65504.0
"""Of half precision, in which weights files keep what has more than one dimension. Larger weights are of a
training that has blown up, though float32 may hold them for another step."""
STOP, SKIP = "stop", "skip"


def require_sound(modules: Mapping[str, nn.Module], optimizer: Optimizer, *, step: int, file: Path) -> None:
    """NonFiniteError where a weight, a buffer or the optimizer's memory is not fit to be saved to `file`.

    modules: by the name to tell. Waits for the device once.
    """
    tensors = {
        f"{name}'s {key}": value
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    bounded = {key for key, value in tensors.items() if value.ndim > 1}
    for number, memory in enumerate(optimizer.state.values()):
        # What has no dimension counts steps, and may lie on another device.
        own = {key: value for key, value in memory.items() if isinstance(value, Tensor) and value.ndim}
        tensors |= {f"the optimizer's {number}.{key}": value for key, value in own.items()}
    real = {key: value for key, value in tensors.items() if value.is_floating_point() and value.numel()}
    sizes = torch.stack([value.detach().abs().amax().float() for value in real.values()]).tolist()
    for key, size in zip(real, sizes, strict=True):
        if not size <= (LARGEST if key in bounded else torch.finfo(torch.float32).max):
            raise NonFiniteError(
                f"step {step}: {key} is {size:.3g} at its largest; {file} was not overwritten. "
                "Lower optimizer.lr, or go on from an earlier checkpoint"
            )


@dataclass
class Skipping:
    """What becomes of steps whose loss or gradient is not finite; policy: stop, or skip up to `most`.

    With stop the numbers are read with the others, so that no step waits for the device. With skip every step
    waits for its own, since it must not be taken; the batch norm's statistics are put back too.
    file: gets the images of such steps, as a list of JSON.
    """

    policy: str
    most: int
    file: Path | None
    skipped: list[dict[str, Any]] = field(default_factory=list)
    _buffers: list[Tensor] = field(default_factory=list)

    def remember(self, model: nn.Module) -> None:
        """Before a step."""
        if self.policy == SKIP:
            self._buffers = [buffer.clone() for buffer in model.buffers()]

    def bad(self, values: Mapping[str, Tensor]) -> list[str]:
        """Names of the scalars that are not finite, for a step that must be skipped; none with stop."""
        if self.policy == STOP:
            return []
        finite = torch.stack([value.detach().float() for value in values.values()]).isfinite().tolist()
        return [name for name, fine in zip(values, finite, strict=True) if not fine]

    @torch.no_grad()
    def undo(self, model: nn.Module) -> None:
        """Give the model the buffers that it had before the step."""
        for buffer, before in zip(model.buffers(), self._buffers, strict=True):
            buffer.copy_(before)

    def note(self, step: int, terms: Sequence[str], images: Sequence[int], *, where: str) -> None:
        """Write down a step; NonFiniteError where no more may be skipped.

        where: epoch and batch, to find it again.
        """
        self.skipped.append({"step": step, "at": where, "terms": list(terms), "images": list(images)})
        if self.file is not None:
            write_text(self.file, json.dumps(self.skipped, indent=1) + "\n")
        if self.policy == SKIP and len(self.skipped) > self.most:
            raise NonFiniteError(
                f"step {step}: {', '.join(terms)} not finite, images {list(images)}; more than the "
                f"engine.most_skipped={self.most} steps that may be skipped" + self._told()
            )

    def _told(self) -> str:
        return "" if self.file is None else f"; all of them: {self.file}"
