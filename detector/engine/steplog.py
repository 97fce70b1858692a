"""What happened in each step, fetched from the device once in a while."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from detector.errors import NonFiniteError


@dataclass(frozen=True)
class StepRecord:
    """Values of one step by name."""

    step: int
    values: dict[str, float]


class StepLog:
    """Keeps each step's scalars on the device and moves them to the host together.

    Reading a number makes the host wait for the device, so it happens once per `flush` and not per step.
    """

    def __init__(self) -> None:
        self._pending: list[tuple[int, tuple[str, ...], Tensor, Tensor]] = []

    def add(self, step: int, values: dict[str, Tensor], image_ids: Tensor) -> None:
        """values: detached scalars on one device, the same names at every step."""
        stacked = torch.stack([value.float() for value in values.values()])
        self._pending.append((step, tuple(values), stacked, image_ids))

    def flush(self) -> list[StepRecord]:
        """The steps added since the last flush, oldest first.

        Raises NonFiniteError naming the first step, its bad terms and its images.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return []
        rows = torch.stack([stacked for _, _, stacked, _ in pending]).tolist()
        records = []
        for (step, names, _, image_ids), row in zip(pending, rows, strict=True):
            values = dict(zip(names, row, strict=True))
            bad = [name for name, value in values.items() if value != value or abs(value) == float("inf")]
            if bad:
                raise NonFiniteError(
                    f"step {step}: {', '.join(bad)} not finite, images {image_ids.tolist()}; "
                    "no checkpoint was overwritten. Lower optimizer.lr, or look at these images' boxes"
                )
            records.append(StepRecord(step, values))
        return records
